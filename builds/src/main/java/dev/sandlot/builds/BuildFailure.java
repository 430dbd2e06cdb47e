package dev.sandlot.builds;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A build cannot go on; the message is meant for its user (template-build.md 13). */
public final class BuildFailure extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    private final @Nullable String step;

    /**
     * @param step {@code base}, a step's number from 1, {@code finalize}, or null when no step is to blame
     */
    public BuildFailure(@Nullable String step, String message) {
        super(message);
        this.step = step;
    }

    public BuildFailure(@Nullable String step, String message, Throwable cause) {
        super(message, cause);
        this.step = step;
    }

    public @Nullable String step() {
        return step;
    }

    /** What the user is told. */
    public String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}

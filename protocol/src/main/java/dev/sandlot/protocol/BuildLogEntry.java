package dev.sandlot.protocol;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One line of a build's log (template-build.md 11).
 *
 * @param step {@code base}, a step's number from 1, {@code finalize}, or null
 */
public record BuildLogEntry(
        Instant timestamp,
        Level level,
        String message,
        @Nullable String step) {
    /** How much a line matters, the least first. */
    public enum Level {
        DEBUG,
        INFO,
        WARN,
        ERROR
    }
}

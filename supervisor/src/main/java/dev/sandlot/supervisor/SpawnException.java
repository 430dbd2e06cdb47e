package dev.sandlot.supervisor;

import dev.sandlot.linux.Errno;

/** A process that could not be started: the step that failed and the kernel's reason. */
public final class SpawnException extends Exception {
    private static final long serialVersionUID = 1L;

    /** The steps between the request and the command, in order. */
    public enum Step {
        STREAMS,
        FORK,
        LIMITS,
        GROUPS,
        USER,
        DIRECTORY,
        TERMINAL,
        EXEC
    }

    private final Step step;
    private final int number;

    public SpawnException(Step step, int number) {
        super("could not start process at step " + step + ": " + Errno.of(number) + " (" + number + ")");
        this.step = step;
        this.number = number;
    }

    /** Where it stopped. */
    public Step step() {
        return step;
    }

    /** Why. */
    public Errno errno() {
        return Errno.of(number);
    }
}

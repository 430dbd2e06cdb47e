package dev.sandlot.runtime;

/** Told of the end of each process that a supervisor started, on the thread that reads connections: must not block. */
@FunctionalInterface
public interface ProcessExits {
    /** @param rawStatus the status as wait(2) gives it */
    void exited(String sandboxId, int pid, int rawStatus);
}

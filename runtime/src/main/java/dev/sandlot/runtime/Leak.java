package dev.sandlot.runtime;

/** Something on the machine that was made for a sandbox and belongs to none that runs. */
public record Leak(Kind kind, String what) {
    /** What there can be. */
    public enum Kind {
        MOUNT,
        LINK,
        CGROUP,
        PROCESS,
        DIRECTORY,
        RULES
    }
}

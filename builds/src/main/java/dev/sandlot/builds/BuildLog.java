package dev.sandlot.builds;

import dev.sandlot.protocol.BuildLogEntry;

/** Where a build tells what it does. Safe for many threads; lines are kept in the order they come. */
public interface BuildLog {
    /**
     * One line.
     *
     * @param step {@code base}, a step's number from 1, or {@code finalize}
     */
    void line(BuildLogEntry.Level level, String step, String text);

    default void debug(String step, String text) {
        line(BuildLogEntry.Level.DEBUG, step, text);
    }

    default void info(String step, String text) {
        line(BuildLogEntry.Level.INFO, step, text);
    }

    default void warn(String step, String text) {
        line(BuildLogEntry.Level.WARN, step, text);
    }
}

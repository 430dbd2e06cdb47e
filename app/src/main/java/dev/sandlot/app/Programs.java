package dev.sandlot.app;

/**
 * The parts behind the commands. The one implementation is named in {@code META-INF/services}; it is made only when a
 * command needs it, and does nothing until asked.
 */
public interface Programs {
    /** What {@code up} starts. */
    ServerProgram server();

    /** What {@code down}, {@code purge} and {@code doctor --leaks} use. */
    Housekeeping housekeeping();
}

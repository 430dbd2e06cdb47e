package dev.sandlot.app;

/**
 * Gives the command line the parts behind it; named in {@code META-INF/services}. Called at every start of the
 * program, so nothing may be opened or started before a method of the parts is called.
 */
@FunctionalInterface
public interface ProgramsProvider {
    /** The parts; they do nothing until asked. */
    Programs programs();
}

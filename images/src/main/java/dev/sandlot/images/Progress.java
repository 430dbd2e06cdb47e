package dev.sandlot.images;

/** Told how far long work has come; called from the threads that do it. */
@FunctionalInterface
public interface Progress {
    /** Nobody listens. */
    Progress NONE = (step, fraction) -> {};

    /**
     * @param step what is being done now, for people
     * @param fraction how much of the whole is done, from 0 to 1
     */
    void report(String step, double fraction);
}

package dev.sandlot.app;

/** Told what a long step is doing. Called from any thread. */
@FunctionalInterface
public interface Progress {
    /** One line for the user: what happens now, for example {@code making the base template: 120 of 214 packages}. */
    void step(String line);
}

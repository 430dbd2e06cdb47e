package dev.sandlot.app;

import org.jspecify.annotations.Nullable;

/**
 * One thing that {@code doctor} looked at.
 *
 * @param name what was looked at
 * @param level how good it is
 * @param found what is there, and what is lost when it is not all it could be
 * @param fix what to do about it, or null when nothing is to be done
 * @param required whether {@code up} refuses to start without it
 */
record Finding(
        String name, Level level, String found, @Nullable String fix, boolean required) {
    /** How good a thing is. */
    enum Level {
        OK,
        /** Works, with something lost. */
        DEGRADED,
        MISSING,
        /** Neither good nor bad, or not to be told as this user. */
        NOTE
    }

    static Finding ok(String name, String found) {
        return new Finding(name, Level.OK, found, null, false);
    }

    static Finding note(String name, String found) {
        return new Finding(name, Level.NOTE, found, null, false);
    }

    static Finding degraded(String name, String found, String fix) {
        return new Finding(name, Level.DEGRADED, found, fix, false);
    }

    static Finding missing(String name, String found, String fix) {
        return new Finding(name, Level.MISSING, found, fix, false);
    }

    /** The same, as a thing that {@code up} cannot do without. */
    Finding asRequired() {
        return new Finding(name, level, found, fix, true);
    }

    String asLine() {
        return name + ": " + found + (fix == null ? "" : " FIX: " + fix);
    }
}

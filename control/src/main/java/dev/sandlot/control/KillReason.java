package dev.sandlot.control;

import java.util.Locale;

/** Why a sandbox ended (platform.md 7). */
enum KillReason {
    REQUEST,
    TIMEOUT,
    ADMIN,
    ORPHANED,
    UNKNOWN;

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    static KillReason of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}

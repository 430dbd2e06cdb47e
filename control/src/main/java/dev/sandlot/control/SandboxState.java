package dev.sandlot.control;

import java.util.Locale;

/** Where a sandbox is in its life (public-api.md 8.1). */
enum SandboxState {
    /** Intended and paid for, not answering yet; no client knows its name. */
    STARTING,
    RUNNING,
    /** Being removed; gone for readers. */
    KILLING;

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    static SandboxState of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}

package dev.sandlot.control;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a node is there for (platform.md 8.2). */
enum NodeDuty {
    /** Takes new sandboxes. */
    READY,
    /** Takes none; those it has run to their end. */
    DRAINING,
    /** Takes none for now. */
    STANDBY;

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<NodeDuty> of(String text) {
        return Arrays.stream(values())
                .filter(status -> status.text().equals(text))
                .findFirst();
    }

    /** Whether an operator may turn the one into the other. */
    boolean mayBecome(NodeDuty next) {
        return this != DRAINING || next != STANDBY;
    }
}

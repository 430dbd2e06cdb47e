package dev.sandlot.control;

import java.time.Duration;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Who owns sandboxes and templates, and what they may use. */
record Team(UUID id, String name, String slug, Standing standing, Limits limits) {

    /** Whether a team may act at all (banned) or change anything (blocked), public-api.md 2.3. */
    record Standing(
            boolean banned, boolean blocked, @Nullable String blockedReason) {
        static final Standing GOOD = new Standing(false, false, null);
    }

    /** What a tier grants. */
    record Limits(int concurrentSandboxes, int maxLengthHours) {
        Duration maxLength() {
            return Duration.ofHours(maxLengthHours);
        }
    }
}

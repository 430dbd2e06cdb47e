package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.time.Duration;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Who owns sandboxes and templates, and what they may use. */
record Team(UUID id, String name, String slug, Standing standing, Limits limits) {

    /** Whether a team may act at all (banned) or change anything (blocked), public-api.md 2.3. */
    record Standing(
            boolean banned, boolean blocked, @Nullable String blockedReason) {
        static final Standing GOOD = new Standing(false, false, null);

        /** Refuses what changes something, as public-api.md 2.3 says. */
        void requireGood() throws ApiException {
            requireNotBanned();
            if (blocked) {
                throw new ApiException(
                        ErrorKind.FORBIDDEN, "team is blocked" + (blockedReason == null ? "" : ": " + blockedReason));
            }
        }

        void requireNotBanned() throws ApiException {
            if (banned) {
                throw new ApiException(ErrorKind.FORBIDDEN, "team is banned");
            }
        }
    }

    /**
     * What a team may use: its tier, with what is added to it or set in its place (public-api.md 22).
     * {@link #LIFTED} stands for a limit that an operator has taken away.
     *
     * @param concurrentSandboxes sandboxes at once, starts in flight among them
     * @param maxLengthHours how long a sandbox may live
     * @param maxVcpu the most processors of a template
     * @param maxRamMb the most memory of a template
     * @param concurrentBuilds template builds at once
     * @param eventsTtlDays how long events are kept
     * @param defaultFreeDiskMb the free space of a template that asks for none
     * @param maxDiskMb the largest disk
     */
    record Limits(
            int concurrentSandboxes,
            int maxLengthHours,
            int maxVcpu,
            int maxRamMb,
            int concurrentBuilds,
            int eventsTtlDays,
            int defaultFreeDiskMb,
            int maxDiskMb) {
        static final int LIFTED = Integer.MAX_VALUE;

        /** The rest as in the contract's first tier. */
        Limits(int concurrentSandboxes, int maxLengthHours) {
            this(concurrentSandboxes, maxLengthHours, 8, 8192, 20, 7, 512, 25_600);
        }

        Duration maxLength() {
            return Duration.ofHours(maxLengthHours);
        }
    }
}

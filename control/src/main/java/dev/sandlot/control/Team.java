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

        /**
         * Holds the size that a template asks for against the plan (public-api.md 13.2).
         *
         * @throws ApiException {@code INVALID} when it is more than the team may have
         */
        void requireTemplateSize(int cpuCount, int memoryMb) throws ApiException {
            if (cpuCount > maxVcpu) {
                throw tooMuch("CPU count can't be higher than " + maxVcpu);
            }
            if (memoryMb > maxRamMb) {
                throw tooMuch("Memory can't be higher than " + maxRamMb + " MiB");
            }
        }

        private static ApiException tooMuch(String problem) {
            return new ApiException(ErrorKind.INVALID, problem + " (ask the operator for a higher limit)");
        }

        Duration maxLength() {
            return Duration.ofHours(maxLengthHours);
        }
    }
}

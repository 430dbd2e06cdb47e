package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Limits as operators write and read them: -1 lifts one, and one that is absent is left alone. A team may be left
 * without any sandbox, build or event, but what it may have is of a size that can be used: an hour (public-api.md 7.3),
 * one processor, and the memory of the smallest template.
 */
record LimitsView(
        @Nullable Integer concurrentSandboxes,
        @Nullable Integer maxLengthHours,
        @Nullable Integer maxVcpu,
        @Nullable Integer maxRamMb,
        @Nullable Integer concurrentBuilds,
        @Nullable Integer eventsTtlDays,
        @Nullable Integer defaultFreeDiskMb,
        @Nullable Integer maxDiskMb) {
    private static final int LIFTED = -1;
    private static final int LARGEST = 1_000_000_000;
    private static final Set<String> ALL = Set.of(
            "concurrentSandboxes",
            "maxLengthHours",
            "maxVcpu",
            "maxRamMb",
            "concurrentBuilds",
            "eventsTtlDays",
            "defaultFreeDiskMb",
            "maxDiskMb");

    static LimitsView of(Team.Limits limits) {
        return new LimitsView(
                shown(limits.concurrentSandboxes()),
                shown(limits.maxLengthHours()),
                shown(limits.maxVcpu()),
                shown(limits.maxRamMb()),
                shown(limits.concurrentBuilds()),
                shown(limits.eventsTtlDays()),
                shown(limits.defaultFreeDiskMb()),
                shown(limits.maxDiskMb()));
    }

    static LimitsView of(TeamStore.Overrides limits) {
        return new LimitsView(
                shown(limits.concurrentSandboxes()),
                shown(limits.maxLengthHours()),
                shown(limits.maxVcpu()),
                shown(limits.maxRamMb()),
                shown(limits.concurrentBuilds()),
                shown(limits.eventsTtlDays()),
                shown(limits.defaultFreeDiskMb()),
                shown(limits.maxDiskMb()));
    }

    private static @Nullable Integer shown(@Nullable Integer limit) {
        return limit != null && limit == Team.Limits.LIFTED ? Integer.valueOf(LIFTED) : limit;
    }

    static TeamStore.Overrides read(Fields body) throws ApiException {
        body.refuseOthersThan(ALL);
        return new TeamStore.Overrides(
                read(body, "concurrentSandboxes", 0),
                read(body, "maxLengthHours", 1),
                read(body, "maxVcpu", 1),
                read(body, "maxRamMb", BuildSizes.LEAST_MEMORY_MB),
                read(body, "concurrentBuilds", 0),
                read(body, "eventsTtlDays", 0),
                read(body, "defaultFreeDiskMb", 0),
                read(body, "maxDiskMb", 1));
    }

    private static @Nullable Integer read(Fields body, String name, int least) throws ApiException {
        Optional<Integer> limit = body.int32(name, LIFTED);
        if (limit.isPresent() && limit.get() > LARGEST) {
            throw body.invalid(name, "must be at most " + LARGEST);
        }
        if (limit.isPresent() && limit.get() < least && limit.get() != LIFTED) {
            throw body.invalid(name, "must be at least " + least + ", or " + LIFTED + " for no limit");
        }
        return limit.map(number -> number == LIFTED ? Team.Limits.LIFTED : number)
                .orElse(null);
    }

    /** These limits, with those that were told in their place. */
    static Team.Limits merged(Team.Limits base, TeamStore.Overrides told) {
        return new Team.Limits(
                either(told.concurrentSandboxes(), base.concurrentSandboxes()),
                either(told.maxLengthHours(), base.maxLengthHours()),
                either(told.maxVcpu(), base.maxVcpu()),
                either(told.maxRamMb(), base.maxRamMb()),
                either(told.concurrentBuilds(), base.concurrentBuilds()),
                either(told.eventsTtlDays(), base.eventsTtlDays()),
                either(told.defaultFreeDiskMb(), base.defaultFreeDiskMb()),
                either(told.maxDiskMb(), base.maxDiskMb()));
    }

    private static int either(@Nullable Integer told, int base) {
        return told == null ? base : told;
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Limits as operators write and read them: -1 lifts one, and one that is absent is left alone. */
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
        return new TeamStore.Overrides(
                read(body, "concurrentSandboxes"),
                read(body, "maxLengthHours"),
                read(body, "maxVcpu"),
                read(body, "maxRamMb"),
                read(body, "concurrentBuilds"),
                read(body, "eventsTtlDays"),
                read(body, "defaultFreeDiskMb"),
                read(body, "maxDiskMb"));
    }

    private static @Nullable Integer read(Fields body, String name) throws ApiException {
        Optional<Integer> limit = body.int32(name, LIFTED);
        if (limit.isPresent() && limit.get() > LARGEST) {
            throw new ApiException(
                    ErrorKind.INVALID, "validation error: property \"" + name + "\" must be at most " + LARGEST);
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

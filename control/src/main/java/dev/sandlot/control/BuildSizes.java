package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;

/** How large the sandboxes of a template may be (public-api.md 13.2, template-build.md 14). */
final class BuildSizes {
    private static final int DEFAULT_CPU_COUNT = 2;
    private static final int DEFAULT_MEMORY_MB = 1024;
    private static final int MOST_CPU_COUNT = 32;
    static final int LEAST_MEMORY_MB = 128;
    private static final String MORE = " (if you need to increase this limit, please contact support)";

    private BuildSizes() {}

    /** The sizes that a request asks for, within those of the team. */
    static Resources of(Fields body, Team.Limits limits) throws ApiException {
        int cpuCount = body.int32("cpuCount", Integer.MIN_VALUE).orElse(DEFAULT_CPU_COUNT);
        int memoryMb = body.int32("memoryMB", Integer.MIN_VALUE).orElse(DEFAULT_MEMORY_MB);
        checkCpuCount(cpuCount, limits.maxVcpu());
        checkMemory(memoryMb, limits.maxRamMb());
        int freeMb = body.int32("minFreeDiskMb", 0).orElse(0);
        return new Resources(
                cpuCount, memoryMb, Math.min(Math.max(freeMb, limits.defaultFreeDiskMb()), limits.maxDiskMb()));
    }

    private static void checkCpuCount(int count, int most) throws ApiException {
        require(count >= 1, "CPU count must be at least 1");
        require(count <= MOST_CPU_COUNT, "CPU count must be at most " + MOST_CPU_COUNT);
        require(count == 1 || count % 2 == 0, "CPU count must be 1 or an even number");
        require(count <= most, "CPU count can't be higher than " + most + MORE);
    }

    private static void checkMemory(int memoryMb, int most) throws ApiException {
        require(memoryMb >= LEAST_MEMORY_MB, "Memory must be at least " + LEAST_MEMORY_MB + " MiB");
        require(memoryMb % 2 == 0, "Memory must be divisible by 2");
        require(memoryMb <= most, "Memory can't be higher than " + most + " MiB" + MORE);
    }

    private static void require(boolean holds, String message) throws ApiException {
        if (!holds) {
            throw new ApiException(ErrorKind.INVALID, message);
        }
    }
}

package dev.sandlot.envd;

import java.io.IOException;

/** Where the figures of one sandbox come from: its cgroup and its file system. Safe for several threads. */
@FunctionalInterface
public interface SandboxMetrics {
    /**
     * The figures of one moment.
     *
     * @param cpuCount how many CPUs the sandbox may use
     * @param cpuUsedNanos CPU time used since some fixed moment
     * @param memoryTotalBytes the limit
     * @param memoryUsedBytes without what could be given back at once
     * @param memoryCacheBytes file cache and reclaimable kernel memory
     * @param diskTotalBytes size of the root file system
     * @param diskUsedBytes the total less what is free to ordinary users
     */
    record Reading(
            int cpuCount,
            long cpuUsedNanos,
            long memoryTotalBytes,
            long memoryUsedBytes,
            long memoryCacheBytes,
            long diskTotalBytes,
            long diskUsedBytes) {}

    /** Takes a reading. */
    Reading read() throws IOException;
}

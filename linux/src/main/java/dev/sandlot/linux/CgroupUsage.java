package dev.sandlot.linux;

import java.time.Duration;

/**
 * What a control group uses.
 *
 * @param memoryBytes memory now, with file cache
 * @param cacheBytes file cache within it
 * @param cpu processor time since the group was made
 * @param pids processes and threads now
 * @param oomKills processes the kernel killed because the group had no memory left
 */
public record CgroupUsage(long memoryBytes, long cacheBytes, Duration cpu, long pids, long oomKills) {}

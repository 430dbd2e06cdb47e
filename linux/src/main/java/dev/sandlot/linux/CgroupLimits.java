package dev.sandlot.linux;

/**
 * What a control group may use.
 *
 * @param memoryBytes memory, with no swap beside it
 * @param cpus processors' worth of time
 * @param pids processes and threads
 */
public record CgroupLimits(long memoryBytes, double cpus, int pids) {
    public CgroupLimits {
        if (memoryBytes <= 0 || cpus <= 0 || pids <= 0) {
            throw new IllegalArgumentException("limits must be positive");
        }
    }
}

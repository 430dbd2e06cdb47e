package dev.sandlot.control;

/**
 * What a sandbox may use.
 *
 * @param cpuCount processors
 * @param memoryMb memory in MiB
 * @param diskMb disk in MiB; 0 for no limit
 */
public record Resources(int cpuCount, int memoryMb, int diskMb) {
    /** Two processors, 512 MiB of memory, no limit of the disk. */
    public static final Resources DEFAULT = new Resources(2, 512, 0);

    public Resources {
        if (cpuCount < 1 || memoryMb < 128 || diskMb < 0) {
            throw new IllegalArgumentException(
                    "cannot give " + cpuCount + " processors, " + memoryMb + " MiB memory, " + diskMb + " MiB disk");
        }
    }
}

package dev.sandlot.runtime;

/**
 * What a runtime is and has.
 *
 * @param kind for example {@code oci}
 * @param program the program behind it
 * @param cgroupVersion 1 or 2
 * @param running sandboxes
 * @param readySlots networks that wait for a sandbox
 * @param freeSlots how many more sandboxes there are addresses for
 */
public record RuntimeStatus(
        String kind, String program, int cgroupVersion, int running, int readySlots, int freeSlots) {}

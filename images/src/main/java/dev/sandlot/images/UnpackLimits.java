package dev.sandlot.images;

/**
 * How much one layer archive may ask for.
 *
 * @param entries files, directories and links
 * @param pathBytes length of one path
 * @param totalBytes length of the uncompressed archive
 */
public record UnpackLimits(long entries, int pathBytes, long totalBytes) {
    /** Two million entries, paths of 2 KiB, 25 GiB in all. */
    public static final UnpackLimits DEFAULT = new UnpackLimits(2_000_000, 2048, 25L << 30);

    public UnpackLimits {
        if (entries < 1 || pathBytes < 1 || totalBytes < 1) {
            throw new IllegalArgumentException(
                    "limits must be positive: " + entries + ", " + pathBytes + ", " + totalBytes);
        }
    }
}

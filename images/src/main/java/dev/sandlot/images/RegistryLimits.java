package dev.sandlot.images;

import java.time.Duration;

/**
 * How much a registry takes, and how long it keeps what nobody names.
 *
 * @param manifestBytes the largest manifest
 * @param blobBytes the largest blob
 * @param openUploads uploads that may be under way at once
 * @param uploadLife how long an upload may rest before it is dropped
 * @param blobGrace how long a blob that no manifest names is kept after it was last pushed or asked for by a push
 */
public record RegistryLimits(
        int manifestBytes, long blobBytes, int openUploads, Duration uploadLife, Duration blobGrace) {
    /** Manifests of 4 MiB, blobs of 25 GiB, 1000 uploads, six hours of rest, a day of grace. */
    public static final RegistryLimits DEFAULT =
            new RegistryLimits(4 << 20, 25L << 30, 1000, Duration.ofHours(6), Duration.ofDays(1));

    public RegistryLimits {
        if (manifestBytes < 1
                || blobBytes < 1
                || openUploads < 1
                || uploadLife.isNegative()
                || blobGrace.isNegative()) {
            throw new IllegalArgumentException("limits of a registry must be positive");
        }
    }
}

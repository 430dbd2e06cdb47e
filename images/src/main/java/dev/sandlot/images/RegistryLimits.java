package dev.sandlot.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How much a registry takes, and how long it keeps what nobody names.
 *
 * @param manifestBytes the largest manifest
 * @param blobBytes the largest blob
 * @param freeBytes what pushes leave free on the disk
 * @param openUploads uploads that may be under way at once
 * @param uploadLife how long an upload may rest before it is dropped
 * @param blobGrace how long a blob that no manifest names is kept after it was last pushed or asked for by a push
 */
public record RegistryLimits(
        int manifestBytes, long blobBytes, long freeBytes, int openUploads, Duration uploadLife, Duration blobGrace) {
    /** Manifests of 4 MiB, blobs of 25 GiB, 2 GiB left free, 1000 uploads, six hours of rest, a day of grace. */
    public static final RegistryLimits DEFAULT =
            new RegistryLimits(4 << 20, 25L << 30, 2L << 30, 1000, Duration.ofHours(6), Duration.ofDays(1));

    public RegistryLimits {
        if (manifestBytes < 1
                || blobBytes < 1
                || freeBytes < 0
                || openUploads < 1
                || uploadLife.isNegative()
                || blobGrace.isNegative()) {
            throw new IllegalArgumentException("limits of a registry must be positive");
        }
    }

    /** The same with another largest blob, and other space left free. */
    public RegistryLimits with(long blobBytes, long freeBytes) {
        return new RegistryLimits(manifestBytes, blobBytes, freeBytes, openUploads, uploadLife, blobGrace);
    }

    /**
     * Looks whether something more may be written.
     *
     * @throws RegistryException when the disk would be fuller than pushes may make it
     */
    void requireSpace(Path place) throws IOException, RegistryException {
        long free = Files.getFileStore(place).getUsableSpace();
        if (free < freeBytes) {
            throw new RegistryException(
                    RegistryError.NO_SPACE,
                    "the registry's disk is nearly full: " + (free >> 20) + " MiB are free, and pushes leave "
                            + (freeBytes >> 20) + " MiB alone");
        }
    }
}

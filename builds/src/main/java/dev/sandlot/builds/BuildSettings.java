package dev.sandlot.builds;

import dev.sandlot.protocol.BuildService;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How builds are made.
 *
 * @param directory keeps plans, states, logs, uploads and the index of the cache; absolute
 * @param workers builds at work at the same time; the others wait
 * @param cacheBytes size of all layers that the cache may keep; the ones used least lately go first
 * @param uploadBytes size of one upload, at most
 * @param uploadsBytes size of all uploads, at most
 * @param freeBytes what new builds and uploads leave free on the disk
 * @param mostLayers of a template; when there are more the upper ones become one
 * @param limits how long things may take
 */
public record BuildSettings(
        Path directory,
        int workers,
        long cacheBytes,
        long uploadBytes,
        long uploadsBytes,
        long freeBytes,
        int mostLayers,
        Limits limits) {
    /** So many layers can be mounted by every kernel. */
    public static final int MOST_LAYERS = 128;

    private static final long FREE_BYTES = 64L << 20;
    private static final long GIBIBYTE = 1L << 30;

    /**
     * Time limits (template-build.md 5.1, 8.3, 10, 12). The last phase has its 20 minutes by those of its parts.
     *
     * @param build of a build at work
     * @param command of one RUN
     * @param script of the configuration script
     * @param ready until the ready command must have said yes
     * @param settle how long a start command without ready command is given
     * @param poll between two ready commands
     */
    public record Limits(
            Duration build, Duration command, Duration script, Duration ready, Duration settle, Duration poll) {
        /** Those of the contract. */
        public static final Limits DEFAULT = new Limits(
                Duration.ofMinutes(60),
                Duration.ofHours(1),
                Duration.ofMinutes(5),
                Duration.ofMinutes(10),
                Duration.ofSeconds(20),
                Duration.ofSeconds(2));
    }

    public BuildSettings {
        if (mostLayers < 2) {
            throw new IllegalArgumentException("templates must have room for layers");
        }
        if (workers < 1 || cacheBytes < 0 || uploadBytes < 1 || uploadsBytes < 1 || freeBytes < 0) {
            throw new IllegalArgumentException("limits of builds must be positive");
        }
    }

    /** The defaults over a directory. */
    public static BuildSettings defaults(Path directory) {
        return new BuildSettings(
                directory.toAbsolutePath(),
                Math.max(2, Runtime.getRuntime().availableProcessors()),
                20 * GIBIBYTE,
                BuildService.MAX_FILES_BYTES,
                20 * GIBIBYTE,
                FREE_BYTES,
                MOST_LAYERS,
                Limits.DEFAULT);
    }

    /** The same with another number of builds at once. */
    public BuildSettings withWorkers(int other) {
        return new BuildSettings(
                directory, other, cacheBytes, uploadBytes, uploadsBytes, freeBytes, mostLayers, limits);
    }

    /** The same with another size of the cache. */
    public BuildSettings withCacheBytes(long other) {
        return new BuildSettings(directory, workers, other, uploadBytes, uploadsBytes, freeBytes, mostLayers, limits);
    }

    /** The same with other space left free on the disk. */
    public BuildSettings withFreeBytes(long other) {
        return new BuildSettings(directory, workers, cacheBytes, uploadBytes, uploadsBytes, other, mostLayers, limits);
    }
}

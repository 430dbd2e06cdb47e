package dev.sandlot.builds;

import dev.sandlot.images.DurableFiles;
import dev.sandlot.linux.DiskFloor;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Uploaded files of COPY steps (template-build.md 6): {@code TEAM/HASH}, one archive each, as it came. The files used
 * least lately go when there are more than the limit allows; those of the last hour never do. Safe for many threads.
 */
final class Uploads {
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
    private static final Duration KEPT = Duration.ofHours(1);
    private static final int BUFFER_BYTES = 256 << 10;

    private final TeamFiles files;
    private final long maxFileBytes;
    private final long maxBytes;
    private final DiskFloor floor;

    private Uploads(Path directory, long maxFileBytes, long maxBytes, DiskFloor floor) {
        this.files = new TeamFiles(directory);
        this.maxFileBytes = maxFileBytes;
        this.maxBytes = maxBytes;
        this.floor = floor;
    }

    /** Opens the directory and removes uploads that were cut off. */
    static Uploads open(Path directory, long maxFileBytes, long maxBytes, DiskFloor floor) throws IOException {
        Uploads uploads = new Uploads(DurableFile.directory(directory), maxFileBytes, maxBytes, floor);
        uploads.files.removeUnfinished();
        return uploads;
    }

    static boolean isHash(String text) {
        return HASH.matcher(text).matches();
    }

    /** The archive of a hash, which counts as used now. */
    Optional<Path> find(UUID teamId, String hash) throws IOException {
        Path file = files.of(teamId, hash);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        return Optional.of(file);
    }

    void store(UUID teamId, String hash, InputStream content, long lengthBytes) throws ApiException, IOException {
        requireFit(hash, lengthBytes);
        Path file = files.of(teamId, hash);
        DurableFile.directory(file.resolveSibling("."));
        Path fresh = DurableFile.unfinished(file);
        try {
            write(fresh, content, lengthBytes);
            DurableFile.publish(fresh, file);
            DurableFiles.sync(file.resolveSibling("."));
        } finally {
            Files.deleteIfExists(fresh);
        }
        evict();
    }

    private void requireFit(String hash, long lengthBytes) throws ApiException {
        if (!isHash(hash)) {
            throw new ApiException(ErrorKind.INVALID, "Invalid files hash");
        }
        if (lengthBytes < 0) {
            throw new ApiException(ErrorKind.INVALID, "The length of the files must be known");
        }
        if (lengthBytes > maxFileBytes) {
            throw new ApiException(
                    ErrorKind.TOO_LARGE, "The files have " + lengthBytes + " bytes, more than " + maxFileBytes);
        }
        if (floor.forbids(lengthBytes)) {
            throw new ApiException(
                    ErrorKind.NO_SPACE,
                    "There is no room on the disk for " + lengthBytes + " bytes of files: " + floor.text());
        }
    }

    private static void write(Path file, InputStream content, long lengthBytes) throws ApiException, IOException {
        long count = 0;
        try (java.io.FileOutputStream out = new java.io.FileOutputStream(file.toFile())) {
            count = copy(content, out, lengthBytes);
            out.getFD().sync();
        }
        if (count != lengthBytes) {
            throw new ApiException(
                    ErrorKind.INVALID, "The files were said to have " + lengthBytes + " bytes and do not");
        }
    }

    /** Copies no more than one byte beyond the length. */
    private static long copy(InputStream content, OutputStream out, long lengthBytes) throws ApiException, IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long count = 0;
        while (count <= lengthBytes) {
            int some = content.read(buffer, 0, (int) Math.min(buffer.length, lengthBytes - count + 1));
            if (some < 0) {
                return count;
            }
            write(out, buffer, some);
            count += some;
        }
        return count;
    }

    private static void write(OutputStream out, byte[] buffer, int length) throws ApiException {
        try {
            out.write(buffer, 0, length);
        } catch (IOException e) {
            throw new ApiException(ErrorKind.NO_SPACE, "The files could not be kept: " + e.getMessage(), e);
        }
    }

    private record Kept(Path file, long bytes, Instant used) {}

    private void evict() throws IOException {
        List<Kept> all = files.all().stream()
                .map(file -> kept(file.path()))
                .flatMap(Optional::stream)
                .sorted(Comparator.comparing(Kept::used))
                .toList();
        long total = all.stream().mapToLong(Kept::bytes).sum();
        Instant latest = Instant.now().minus(KEPT);
        for (Kept oldest : all) {
            if (total <= maxBytes || oldest.used().isAfter(latest)) {
                return;
            }
            Files.deleteIfExists(oldest.file());
            total -= oldest.bytes();
        }
    }

    private static Optional<Kept> kept(Path file) {
        try {
            return Optional.of(new Kept(
                    file, Files.size(file), Files.getLastModifiedTime(file).toInstant()));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }
}

package dev.sandlot.images;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Files of a registry on the disk: content under its digest, and small files that appear and change whole. What is
 * half made lies in {@code staging}, which is emptied when the registry is opened. A file's time of change says when
 * it was last used by a push.
 */
final class ContentFiles {
    private static final int BUFFER_BYTES = 256 * 1024;

    private final Path content;
    private final Path damaged;
    private final Path staging;

    private ContentFiles(Path home) {
        this.content = home.resolve("content");
        this.damaged = home.resolve("damaged");
        this.staging = home.resolve("staging");
    }

    static ContentFiles open(Path home) throws IOException {
        ContentFiles files = new ContentFiles(home);
        for (Path directory : List.of(files.content, files.damaged, files.staging)) {
            OwnerOnly.directory(directory);
        }
        for (Path leftover : list(files.staging)) {
            Files.delete(leftover);
        }
        return files;
    }

    Path path(Digest digest) {
        return content.resolve(digest.hex());
    }

    /** The bytes of a content, -1 when it is not there. */
    long size(Digest digest) throws IOException {
        try {
            return Files.size(path(digest));
        } catch (NoSuchFileException e) {
            return -1;
        }
    }

    /** Takes a file whose bytes are on the disk and have that digest. One that is there is replaced by its like. */
    void take(Path file, Digest digest) throws IOException {
        Files.setLastModifiedTime(file, now());
        Files.move(file, path(digest), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        DurableFiles.sync(content);
    }

    /** Puts bytes under their digest. */
    Digest put(byte[] bytes) throws IOException {
        Digest digest = Digest.of(bytes);
        Path file = staging.resolve(UUID.randomUUID().toString());
        DurableFiles.write(file, bytes);
        take(file, digest);
        return digest;
    }

    /** Writes a small file, whole or not at all. */
    void publish(Path target, byte[] bytes) throws IOException {
        Path file = staging.resolve(UUID.randomUUID().toString());
        DurableFiles.write(file, bytes);
        Files.move(file, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        DurableFiles.sync(target.getParent());
    }

    /** Makes an empty file, or notes that it was used. */
    static void mark(Path file) throws IOException {
        try {
            Files.createFile(file);
            DurableFiles.sync(file.getParent());
        } catch (FileAlreadyExistsException e) {
            touch(file);
        }
    }

    /** Notes that a file was used; says whether it is there. */
    static boolean touch(Path file) throws IOException {
        try {
            Files.setLastModifiedTime(file, now());
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Whether a file was not used since then; false when it is not there. */
    static boolean restsSince(Path file, Instant then) throws IOException {
        try {
            return Files.getLastModifiedTime(file).toInstant().isBefore(then);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** The whole of a small content, checked. */
    Optional<byte[]> read(Digest digest) throws IOException {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(path(digest));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        if (!Digest.of(bytes).equals(digest)) {
            setAside(digest);
            throw new DamagedContentException(digest);
        }
        return Optional.of(bytes);
    }

    /** Opens a content to be read, which then stays readable whatever happens to its name. */
    Optional<FileChannel> open(Digest digest) throws IOException {
        try {
            return Optional.of(FileChannel.open(path(digest), StandardOpenOption.READ));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Takes a content away that is not what its digest says, so that it can be pushed anew. */
    void setAside(Digest digest) throws IOException {
        try {
            Files.move(path(digest), damaged.resolve(digest.hex()), StandardCopyOption.REPLACE_EXISTING);
        } catch (NoSuchFileException e) {
            return;
        }
        touch(damaged.resolve(digest.hex()));
        DurableFiles.sync(content);
    }

    /** All contents. */
    List<Path> all() throws IOException {
        return list(content);
    }

    /** All contents that were set aside. */
    List<Path> allDamaged() throws IOException {
        return list(damaged);
    }

    /** The digest of a file. */
    static Digest digestOf(Path file) throws IOException {
        MessageDigest digest = Digest.sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return Digest.finished(digest.digest());
    }

    /** What a directory holds; nothing when it is not there. */
    static List<Path> list(Path directory) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> entries = Files.list(directory)) {
            entries.forEach(found::add);
        } catch (NoSuchFileException e) {
            return List.of();
        }
        return found;
    }

    private static FileTime now() {
        return FileTime.from(Instant.now());
    }
}

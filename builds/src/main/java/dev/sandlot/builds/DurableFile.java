package dev.sandlot.builds;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Files that are there whole or not at all. */
final class DurableFile {
    private static final String UNFINISHED = ".new-";

    private DurableFile() {}

    /** Makes a directory, and those above it, that only its owner may enter. */
    static Path directory(Path path) throws IOException {
        Files.createDirectories(path);
        return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    }

    /** Writes a file so that readers see the old content or the new one, and brings it to the disk. */
    static void replace(Path file, byte[] content) throws IOException {
        Path fresh = unfinished(file);
        try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (ByteBuffer bytes = ByteBuffer.wrap(content); bytes.hasRemaining(); ) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        publish(fresh, file);
        sync(file.resolveSibling("."));
    }

    /** As {@link #replace}, for what may be lost with the machine's power. */
    static void replaceLazily(Path file, byte[] content) throws IOException {
        Path fresh = unfinished(file);
        Files.write(fresh, content);
        publish(fresh, file);
    }

    /** A name beside a file for its next content. */
    static Path unfinished(Path file) {
        return file.resolveSibling(UNFINISHED + UUID.randomUUID());
    }

    static boolean isUnfinished(Path file) {
        return file.getFileName().toString().startsWith(UNFINISHED);
    }

    static void publish(Path fresh, Path file) throws IOException {
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Removes a directory of ours with all that is in it; nothing happens when it is not there. */
    static void deleteTree(Path tree) throws IOException {
        try {
            Files.walkFileTree(tree, new Removal());
        } catch (NoSuchFileException gone) {
            return;
        }
    }

    private static final class Removal extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
        }
    }
}

package dev.sandlot.builds;

import dev.sandlot.images.DurableFiles;
import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/**
 * Files that are there whole or not at all, also when several threads write the same one: each has a name of its own
 * until it is published.
 */
final class DurableFile {
    private static final String UNFINISHED = ".new-";

    private DurableFile() {}

    /** Makes a directory, and those above it, that only its owner may enter. */
    static Path directory(Path path) throws IOException {
        OwnerOnly.directory(path);
        return path;
    }

    /** Writes a file so that readers see the old content or the new one, and brings it to the disk. */
    static void replace(Path file, byte[] content) throws IOException {
        Path fresh = unfinished(file);
        try {
            DurableFiles.write(fresh, content);
            publish(fresh, file);
        } finally {
            Files.deleteIfExists(fresh);
        }
        DurableFiles.sync(file.resolveSibling("."));
    }

    /** As {@link #replace}, for what may be lost with the machine's power. */
    static void replaceLazily(Path file, byte[] content) throws IOException {
        Path fresh = unfinished(file);
        try {
            Files.write(fresh, content);
            publish(fresh, file);
        } finally {
            Files.deleteIfExists(fresh);
        }
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
}

package dev.sandlot.app;

import dev.sandlot.linux.Mounts;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory that is this program's own, told by a marker file in it, so that {@code purge} can never delete
 * another's: only an empty directory, or one that holds nothing but a settings file, becomes ours.
 */
final class OwnedDirectory {
    private static final Logger LOG = LoggerFactory.getLogger(OwnedDirectory.class);
    private static final String MARKER = ".sandlot";
    private static final Set<String> USERS_OWN = Set.of("sandlot.yaml");

    /** What tells other processes that somebody is at work here goes last, the lock last of all. */
    private static final List<String> LAST = List.of(ActiveCommands.DIRECTORY, MARKER, Instance.LOCK);

    private final Path path;

    OwnedDirectory(Path path) {
        this.path = path;
    }

    /** Makes the directory ours, if it is not yet. */
    void own() throws IOException {
        if (isOurs()) {
            return;
        }
        boolean fresh = !Files.exists(path);
        if (!fresh && !Files.isDirectory(path)) {
            throw new NotDirectoryException(path.toString());
        }
        Files.createDirectories(path);
        if (!fresh && !strangers().isEmpty()) {
            throw new IOException(path + " holds other files (" + strangers().getFirst()
                    + "); name an empty directory, or one that Sandlot made");
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx--x--x"));
        Files.createFile(path.resolve(MARKER));
    }

    /** Fails where this user may not look. */
    boolean isOurs() throws IOException {
        Path marker = path.resolve(MARKER);
        if (Files.exists(marker)) {
            return true;
        }
        if (!Files.notExists(marker)) {
            throw new AccessDeniedException(path.toString());
        }
        return false;
    }

    /**
     * Deletes the directory and all in it but the user's own settings file, which keeps the directory alive. A
     * directory at which something is mounted stays too, and is empty; so does one in which somebody makes files anew.
     *
     * @throws IOException when it is not ours, or something is mounted below it; nothing is deleted then
     */
    void delete() throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        if (!isOurs()) {
            throw new IOException(path + " was not made by Sandlot and is left alone");
        }
        List<Path> mounts = Mounts.below(path);
        if (!mounts.isEmpty()) {
            throw new IOException("still mounted below " + path + ": "
                    + mounts.stream().map(Path::toString).collect(Collectors.joining(", ")));
        }
        Files.walkFileTree(path, new Deletion(hasUsersOwn() || Mounts.isAt(path)));
    }

    private List<String> strangers() throws IOException {
        try (Stream<Path> entries = Files.list(path)) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> !USERS_OWN.contains(name))
                    .sorted()
                    .toList();
        }
    }

    private boolean hasUsersOwn() {
        return USERS_OWN.stream().anyMatch(name -> Files.exists(path.resolve(name)));
    }

    /** A file, or a directory of files alone. */
    private static void deleteFlat(Path path) throws IOException {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            try (Stream<Path> files = Files.list(path)) {
                for (Path file : files.toList()) {
                    Files.deleteIfExists(file);
                }
            }
        }
        Files.deleteIfExists(path);
    }

    private final class Deletion extends SimpleFileVisitor<Path> {
        private final boolean stays;

        Deletion(boolean stays) {
            this.stays = stays;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return isLast(directory) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            if (!isUsersOwn(file) && !isLast(file)) {
                Files.delete(file);
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
            if (failure != null) {
                throw failure;
            }
            if (!directory.equals(path)) {
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
            for (String name : LAST) {
                deleteFlat(path.resolve(name));
            }
            if (!stays) {
                deleteUnlessUsed();
            }
            return FileVisitResult.CONTINUE;
        }

        private void deleteUnlessUsed() throws IOException {
            try {
                Files.delete(path);
            } catch (DirectoryNotEmptyException e) {
                LOG.info("{} stays: another process made files in it just now", path);
            }
        }

        private boolean isLast(Path file) {
            return path.equals(file.getParent())
                    && LAST.contains(file.getFileName().toString());
        }

        private boolean isUsersOwn(Path file) {
            return path.equals(file.getParent())
                    && USERS_OWN.contains(file.getFileName().toString());
        }
    }
}

package dev.sandlot.app;

import dev.sandlot.linux.Mounts;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
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

    /**
     * Makes the directory ours, if it is not yet.
     *
     * @param mode what others may do in it, then as well when it was ours already
     */
    void own(String mode) throws IOException {
        if (!isOurs()) {
            adopt();
        }
        OwnerOnly.file(path.resolve(MARKER));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    private void adopt() throws IOException {
        boolean fresh = !Files.exists(path);
        if (!fresh && !Files.isDirectory(path)) {
            throw new NotDirectoryException(path.toString());
        }
        Files.createDirectories(path);
        if (!fresh && !strangers().isEmpty()) {
            throw new IOException(path + " holds other files (" + strangers().getFirst()
                    + "); name an empty directory, or one that Sandlot made");
        }
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
        deleteContent();
        if (!hasUsersOwn() && !Mounts.isAt(path)) {
            deleteUnlessUsed();
        }
    }

    /** In an order in which a removal that was cut off or failed can be repeated. */
    private void deleteContent() throws IOException {
        @Nullable IOException failure = null;
        for (String name : strangers()) {
            try {
                if (!LAST.contains(name)) {
                    TreeRemoval.remove(path.resolve(name));
                }
            } catch (IOException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
        for (String name : LAST) {
            if (Files.exists(path.resolve(name))) {
                TreeRemoval.remove(path.resolve(name));
            }
        }
    }

    private void deleteUnlessUsed() throws IOException {
        try {
            Files.delete(path);
        } catch (DirectoryNotEmptyException e) {
            LOG.info("{} stays: another process made files in it just now", path);
        }
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
}

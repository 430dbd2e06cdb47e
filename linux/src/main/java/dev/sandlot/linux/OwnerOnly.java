package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Directories and files that this program makes for itself: for their owner alone, whatever the umask is. */
public final class OwnerOnly {
    private static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");

    private OwnerOnly() {}

    /** Makes a directory, and those above it that are missing, or narrows the one that is there. */
    public static Path directory(Path directory) throws IOException {
        Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
        return Files.setPosixFilePermissions(directory, DIRECTORY);
    }

    /** Makes an empty file when there is none, or narrows the one that is there. */
    public static Path file(Path file) throws IOException {
        try {
            Files.createFile(file, forNewFile());
        } catch (FileAlreadyExistsException e) {
            Files.setPosixFilePermissions(file, FILE);
        }
        return file;
    }

    /** Writes all of a file, new or not. */
    public static void write(Path file, byte[] content) throws IOException {
        Files.write(file(file), content);
    }

    /** What makes a new file for its owner alone. */
    public static FileAttribute<Set<PosixFilePermission>> forNewFile() {
        return PosixFilePermissions.asFileAttribute(FILE);
    }
}

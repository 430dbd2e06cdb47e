package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/** A secret that outlives the server, alone in a file that only its owner reads. */
record SecretFile(Path path) {
    /** The secret, or empty when there is none yet. */
    Optional<String> read() throws IOException {
        return Files.exists(path) ? Optional.of(Files.readString(path).strip()) : Optional.empty();
    }

    /** Puts a secret in the place of the old one, whole or not at all; the same one needs no room. */
    void write(String secret) throws IOException {
        if (read().filter(secret::equals).isPresent()) {
            return;
        }
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(fresh, secret + "\n");
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
    }
}

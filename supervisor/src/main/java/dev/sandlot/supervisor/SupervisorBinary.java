package dev.sandlot.supervisor;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** The supervisor program for this machine's processor, as it comes with this library. */
public final class SupervisorBinary {
    /** Sandboxed code may run it, not read it: then the kernel guards its memory from the sandbox's root as well. */
    private static final String PERMISSIONS = "rwx--x--x";

    private SupervisorBinary() {}

    /** Writes the program, in one step and over whatever is there; it belongs to the user who calls. */
    public static void installTo(Path target) throws IOException {
        Path directory = target.toAbsolutePath().getParent();
        Path temporary = Files.createTempFile(directory, "." + target.getFileName(), ".new");
        try (InputStream program = open()) {
            Files.copy(program, temporary, StandardCopyOption.REPLACE_EXISTING);
            Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString(PERMISSIONS));
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static InputStream open() {
        String name = "sandlot-supervisor-" + System.getProperty("os.arch");
        InputStream program = SupervisorBinary.class.getResourceAsStream(name);
        if (program == null) {
            throw new UnsupportedOperationException("this build has no " + name);
        }
        return program;
    }
}

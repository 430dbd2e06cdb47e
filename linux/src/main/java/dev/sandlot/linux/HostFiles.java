package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of this machine as descriptors, to be handed to another program. */
public final class HostFiles {
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY_APPEND = 1 | 0x400;

    private HostFiles() {}

    /** A file to read from. */
    public static Fd forReading(Path file) throws LinuxException {
        return Calls.open(file.toString(), O_RDONLY);
    }

    /** A new file to write to. */
    public static Fd forWriting(Path file) throws IOException {
        Files.createFile(file);
        return Calls.open(file.toString(), O_WRONLY_APPEND);
    }
}

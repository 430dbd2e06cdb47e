package dev.sandlot.linux;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files of this machine as descriptors, to be handed to another program. */
public final class HostFiles {
    private static final int CLOEXEC_ALLOW_SEALING = 1 | 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int ALL_SEALS = 1 | 2 | 4 | 8;

    private static final long FS_IOC_GETFLAGS = 0x80086601L;
    private static final long FS_IOC_SETFLAGS = 0x40086602L;
    private static final int FS_NOCOW_FL = 0x00800000;

    private HostFiles() {}

    /**
     * Makes those of the files that are not there yet, empty and so that what is written over needs no new room. That
     * is so in most file systems; btrfs must be told while a file is empty.
     */
    public static void overwrittenInPlace(List<Path> files) throws IOException {
        for (Path file : files) {
            if (!Files.exists(file)
                    && Files.getFileStore(file.toAbsolutePath().getParent())
                            .type()
                            .equals("btrfs")) {
                try (Fd made = forWriting(file)) {
                    addFlag(made, FS_NOCOW_FL);
                }
            }
        }
    }

    private static void addFlag(Fd file, int flag) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flags = arena.allocate(ValueLayout.JAVA_LONG);
            Syscall.IOCTL.call("FS_IOC_GETFLAGS", file.number(), FS_IOC_GETFLAGS, flags.address());
            flags.set(ValueLayout.JAVA_INT, 0, flags.get(ValueLayout.JAVA_INT, 0) | flag);
            Syscall.IOCTL.call("FS_IOC_SETFLAGS", file.number(), FS_IOC_SETFLAGS, flags.address());
        }
    }

    /** A file to read from. */
    public static Fd forReading(Path file) throws LinuxException {
        return FileTree.open(file.toString(), Open.READ);
    }

    /** A new file to write to, for its owner alone. */
    public static Fd forWriting(Path file) throws IOException {
        Files.createFile(file, OwnerOnly.forNewFile());
        return FileTree.open(file.toString(), Open.WRITE | Open.APPEND);
    }

    /**
     * A copy of a file in memory that nobody can change any more. It can be run by its {@link Fd#procPath} as seen
     * from the outside.
     */
    public static Fd sealedCopy(Path file) throws IOException {
        Fd copy = memory(file.getFileName().toString());
        try (OutputStream stream = new FileOutputStream(copy.procPath())) {
            Files.copy(file, stream);
            Syscall.FCNTL.call("F_ADD_SEALS", copy.number(), F_ADD_SEALS, ALL_SEALS);
            return copy;
        } catch (IOException e) {
            copy.close();
            throw e;
        }
    }

    static Fd memory(String name) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long text = FileTree.pointer(arena, Syscall.MEMFD_CREATE, name);
            return Syscall.MEMFD_CREATE.open(name, text, CLOEXEC_ALLOW_SEALING, 0, 0);
        }
    }
}

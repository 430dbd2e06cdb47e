package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.POINTER;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of this machine as descriptors, to be handed to another program. */
public final class HostFiles {
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY_APPEND = 1 | 0x400;

    private static final int CLOEXEC_ALLOW_SEALING = 1 | 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int ALL_SEALS = 1 | 2 | 4 | 8;
    private static final MethodHandle MEMFD_CREATE = Native.errnoCall("memfd_create", INT, POINTER, INT);

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

    /**
     * A copy of a file in memory that nobody can change any more. It can be run by its {@link Fd#procPath} as seen
     * from the outside.
     */
    public static Fd sealedCopy(Path file) throws IOException {
        Fd copy = memory(file.getFileName().toString());
        try (OutputStream stream = new FileOutputStream(copy.procPath())) {
            Files.copy(file, stream);
            IoCalls.check(IoCalls.fcntl(copy.number(), F_ADD_SEALS, ALL_SEALS), "fcntl", "F_ADD_SEALS");
            return copy;
        } catch (IOException e) {
            copy.close();
            throw e;
        }
    }

    static Fd memory(String name) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            int number =
                    (int) MEMFD_CREATE.invokeExact(Native.errnoSlot(), arena.allocateFrom(name), CLOEXEC_ALLOW_SEALING);
            return Fd.own(Calls.check("memfd_create", name, number));
        } catch (LinuxException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}

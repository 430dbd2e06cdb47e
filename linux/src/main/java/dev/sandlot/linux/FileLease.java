package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A lock on a file or directory by flock(2): one holder at a time on the machine, gone with the process that holds it.
 * Unlike {@link java.nio.channels.FileLock} it is not lost when the same process closes the file elsewhere.
 */
public final class FileLease implements AutoCloseable {
    private static final int O_RDONLY = 0;
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final MethodHandle FLOCK = Native.errnoCall("flock", INT, INT, INT);

    private final Fd file;

    private FileLease(Fd file) {
        this.file = file;
    }

    /** Takes the lock of a file that is there; empty when another has it. */
    public static Optional<FileLease> tryTake(Path path) throws IOException {
        Fd file = Calls.open(path.toString(), O_RDONLY);
        try {
            Calls.check("flock", path.toString(), flock(file.number(), LOCK_EX | LOCK_NB));
            return Optional.of(new FileLease(file));
        } catch (LinuxException e) {
            file.close();
            if (e.is(Errno.EAGAIN)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public void close() {
        file.close();
    }

    private static int flock(int file, int operation) {
        try {
            return (int) FLOCK.invokeExact(Native.errnoSlot(), file, operation);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}

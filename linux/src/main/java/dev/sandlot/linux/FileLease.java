package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A lock on a file or directory by flock(2): one holder at a time on the machine, gone with the process that holds it.
 * Unlike {@link java.nio.channels.FileLock} it is not lost when the same process closes the file elsewhere.
 */
public final class FileLease implements AutoCloseable {
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;

    private final Fd file;

    private FileLease(Fd file) {
        this.file = file;
    }

    /** Takes the lock of a file that is there; empty when another has it. */
    public static Optional<FileLease> tryTake(Path path) throws IOException {
        Fd file = HostFiles.forReading(path);
        try {
            Syscall.FLOCK.call(path.toString(), file.number(), LOCK_EX | LOCK_NB);
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
}

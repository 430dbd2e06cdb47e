package dev.sandlot.supervisor;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** What a process writes, as it comes, so that a test can wait for a certain text. */
final class LiveOutput {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    // Guarded by lock.
    private final StringBuilder text = new StringBuilder();
    private boolean ended;

    /** Reads to the end and closes the descriptor. */
    static LiveOutput of(EventLoop loop, Fd fd) throws IOException {
        LiveOutput output = new LiveOutput();
        ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
        loop.register(fd, EventLoop.READ, (registration, _) -> {
            int count = readOrEnd(fd, buffer.clear());
            if (count == Io.END) {
                registration.close();
                fd.close();
            }
            output.came(count, buffer);
        });
        return output;
    }

    private static int readOrEnd(Fd fd, ByteBuffer into) throws IOException {
        try {
            return Io.read(fd, into);
        } catch (LinuxException e) {
            if (e.is(Errno.EIO)) {
                return Io.END;
            }
            throw e;
        }
    }

    private void came(int count, ByteBuffer buffer) {
        lock.lock();
        try {
            ended = count == Io.END;
            text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
            more.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the text was written. */
    void await(String wanted) throws InterruptedException, TimeoutException {
        lock.lock();
        try {
            for (long left = PATIENCE_NANOS; text.indexOf(wanted) < 0; left = more.awaitNanos(left)) {
                requireTime(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** All that was written, once there is no more. */
    String toEnd() throws InterruptedException, TimeoutException {
        lock.lock();
        try {
            for (long left = PATIENCE_NANOS; !ended; left = more.awaitNanos(left)) {
                requireTime(left);
            }
            return text.toString();
        } finally {
            lock.unlock();
        }
    }

    private void requireTime(long left) throws TimeoutException {
        if (left <= 0) {
            throw new TimeoutException("so far: " + text);
        }
    }
}

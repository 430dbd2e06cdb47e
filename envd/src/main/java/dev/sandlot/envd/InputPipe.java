package dev.sandlot.envd;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.Terminals;
import dev.sandlot.protocol.ConnectCall;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The way into a process: its stdin or its terminal. Writers take turns and wait, without holding a platform thread,
 * until the process has read. Safe for several threads.
 */
final class InputPipe implements AutoCloseable {
    private static final Duration FOREVER = Duration.ofDays(365);

    private final Fd fd;
    private final EventLoop.Registration registration;
    /** Held by the writer whose turn it is, also while it waits. */
    private final ReentrantLock turn = new ReentrantLock();

    /** Held only for moments; guards {@link #fd} against being closed under a write, and {@link #closed}. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private boolean closed;
    private boolean ready;

    /** Takes over the descriptor. */
    InputPipe(EventLoop loop, Fd fd) throws IOException {
        this.fd = fd;
        this.registration = loop.register(fd, 0, (_, _) -> writable());
    }

    /**
     * Writes all of it.
     *
     * @throws ConnectException {@code internal} when closed or broken, {@code deadline_exceeded} when the call's time
     *     is over first
     * @throws IOException when the client went away meanwhile
     */
    void write(ConnectCall call, ByteString bytes) throws ConnectException, IOException {
        AtomicBoolean gone = new AtomicBoolean();
        call.onFailure(() -> {
            gone.set(true);
            wake();
        });
        long deadline = System.nanoTime() + call.timeout().orElse(FOREVER).toNanos();
        turn.lock();
        try {
            ByteBuffer left = bytes.asReadOnlyByteBuffer();
            while (left.hasRemaining()) {
                writeSome(left, gone, deadline);
            }
        } finally {
            turn.unlock();
        }
    }

    private void writeSome(ByteBuffer left, AtomicBoolean gone, long deadline) throws ConnectException, IOException {
        lock.lock();
        try {
            requireOpen();
            if (tryWrite(left) == Io.WOULD_BLOCK) {
                ready = false;
                registration.interest(EventLoop.WRITE);
                awaitChange(gone, deadline);
            }
        } finally {
            lock.unlock();
        }
    }

    private int tryWrite(ByteBuffer left) throws ConnectException {
        try {
            return Io.write(fd, left);
        } catch (IOException e) {
            throw new ConnectException(ConnectCode.INTERNAL, "error writing to process input: " + e.getMessage(), e);
        }
    }

    private void requireOpen() throws ConnectException {
        if (closed) {
            throw new ConnectException(ConnectCode.INTERNAL, "error writing to process input: it is closed");
        }
    }

    private void awaitChange(AtomicBoolean gone, long deadline) throws ConnectException, IOException {
        long wait = deadline - System.nanoTime();
        if (wait <= 0) {
            throw new ConnectException(ConnectCode.DEADLINE_EXCEEDED, "process did not read its input in time");
        }
        try {
            TimedWait.until(() -> gone.get() || ready || closed, changed, wait);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while writing to a process");
        }
        if (gone.get()) {
            throw new IOException("client went away while its input was written");
        }
    }

    private void writable() throws IOException {
        lock.lock();
        try {
            registration.interest(0);
            ready = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Closes our end; whoever waits to write fails. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                registration.close();
                fd.close();
                changed.signalAll();
            }
        } catch (UncheckedIOException e) {
            fd.close();
            throw e;
        } finally {
            lock.unlock();
        }
    }

    /** Changes the size of the terminal that this leads to. */
    void resize(int columns, int rows) throws ConnectException {
        lock.lock();
        try {
            requireOpen();
            Terminals.resize(fd, new Terminals.Size(columns, rows));
        } catch (IOException e) {
            throw new ConnectException(ConnectCode.INTERNAL, "error resizing terminal: " + e.getMessage(), e);
        } finally {
            lock.unlock();
        }
    }
}

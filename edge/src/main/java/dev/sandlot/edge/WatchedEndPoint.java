package dev.sandlot.edge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadPendingException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A client's socket that can be watched for its end while an HTTP/1.1 request is being answered, when nobody reads
 * from it. Jetty itself would notice only at the next write.
 *
 * <p>The probe is one read interest registered with Jetty. If a real reader comes while it is pending, the reader
 * takes it over. Bytes that the probe happens to read (a pipelined request) are kept and served first.
 * {@code lock} guards all fields and every {@code fill}.
 */
final class WatchedEndPoint extends SocketChannelEndPoint {
    private static final int PROBE_SIZE = 256;

    private final Executor executor;
    private final ReentrantLock lock = new ReentrantLock();
    private final Probe probe = new Probe();
    private boolean probing;
    private @Nullable Callback reader;
    private @Nullable Runnable onGone;
    private @Nullable ByteBuffer early;

    WatchedEndPoint(
            SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler, Executor executor) {
        super(channel, selector, key, scheduler);
        this.executor = executor;
    }

    /** Runs the action once if the client ends the connection, until {@link #unwatch}. */
    void watch(Runnable action) {
        lock.lock();
        try {
            if (early != null) {
                return;
            }
            onGone = action;
            if (!probing && super.tryFillInterested(probe)) {
                probing = true;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Stops watching. */
    void unwatch() {
        lock.lock();
        try {
            onGone = null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int fill(ByteBuffer buffer) throws IOException {
        lock.lock();
        try {
            ByteBuffer kept = early;
            return kept == null ? super.fill(buffer) : serve(kept, buffer);
        } finally {
            lock.unlock();
        }
    }

    private int serve(ByteBuffer kept, ByteBuffer buffer) {
        int position = BufferUtil.flipToFill(buffer);
        int count = BufferUtil.put(kept, buffer);
        BufferUtil.flipToFlush(buffer, position);
        if (!kept.hasRemaining()) {
            early = null;
        }
        return count;
    }

    @Override
    public void fillInterested(Callback callback) {
        if (!tryFillInterested(callback)) {
            throw new ReadPendingException();
        }
    }

    @Override
    public boolean tryFillInterested(Callback callback) {
        lock.lock();
        try {
            if (early != null) {
                executor.execute(callback::succeeded);
                return true;
            }
            if (!probing) {
                return super.tryFillInterested(callback);
            }
            if (reader != null) {
                return false;
            }
            reader = callback;
            return true;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isFillInterested() {
        lock.lock();
        try {
            return probing ? reader != null : super.isFillInterested();
        } finally {
            lock.unlock();
        }
    }

    private final class Probe implements Callback {
        @Override
        public void succeeded() {
            settle(WatchedEndPoint.this::look).run();
        }

        @Override
        public void failed(Throwable failure) {
            Callback taken = takeReader();
            if (taken != null) {
                taken.failed(failure);
            } else {
                settle(WatchedEndPoint.this::takeOnGone).run();
            }
        }

        @Override
        public InvocationType getInvocationType() {
            return InvocationType.NON_BLOCKING;
        }
    }

    private @Nullable Callback takeReader() {
        lock.lock();
        try {
            Callback taken = reader;
            reader = null;
            if (taken != null) {
                probing = false;
            }
            return taken;
        } finally {
            lock.unlock();
        }
    }

    @FunctionalInterface
    private interface Step {
        Runnable next();
    }

    /** Ends the probe, and finds under the lock what to do then. */
    private Runnable settle(Step step) {
        lock.lock();
        try {
            probing = false;
            Callback taken = reader;
            reader = null;
            return taken != null ? taken::succeeded : step.next();
        } finally {
            lock.unlock();
        }
    }

    private Runnable look() {
        if (onGone == null) {
            return () -> {};
        }
        ByteBuffer bytes = ByteBuffer.allocate(PROBE_SIZE).limit(0);
        int count = fillQuietly(bytes);
        if (count < 0) {
            return takeOnGone();
        }
        if (count > 0) {
            early = bytes;
        } else {
            probing = super.tryFillInterested(probe);
        }
        return () -> {};
    }

    private int fillQuietly(ByteBuffer bytes) {
        try {
            return super.fill(bytes);
        } catch (IOException e) {
            return -1;
        }
    }

    private Runnable takeOnGone() {
        Runnable action = onGone;
        onGone = null;
        return action == null ? () -> {} : action;
    }
}

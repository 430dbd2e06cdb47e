package dev.sandlot.edge;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.thread.Invocable;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request as a blocking stream. One thread reads; any thread may {@link #cancel}, which wakes the
 * reader, and the one that ends the exchange takes the rest over by {@link #drain}, which ends the reader too. At most
 * one chunk of Jetty's is held, and given back as soon as it is read.
 *
 * <p>{@code jetty} guards {@code chunk} and is held while Jetty's side of the request is read or torn down, which must
 * not happen at once. A reader that gave up leaves its demand behind: until that is answered Jetty is neither asked
 * again nor read.
 */
final class RequestBody extends InputStream {
    private final Request request;
    private final Duration drainTime;
    private final Semaphore arrived = new Semaphore(0);
    private final Runnable arrival = Invocable.from(Invocable.InvocationType.NON_BLOCKING, this::arrive);
    private final ReentrantLock jetty = new ReentrantLock();
    private final boolean expectsContinue;
    private final boolean empty;
    private Content.@Nullable Chunk chunk;
    private volatile boolean touched;
    private volatile boolean demanded;
    private volatile boolean draining;
    private volatile boolean fullyRead;
    private volatile boolean cancelled;

    /**
     * @param drainTime how long the rest may take that nobody wants
     */
    RequestBody(Request request, Duration drainTime) {
        this.request = request;
        this.drainTime = drainTime;
        this.expectsContinue = request.getHeaders().contains(HttpHeader.EXPECT, "100-continue");
        takeIfThere();
        this.empty = fullyRead && chunk == null;
    }

    /** Whether it is known already that there is no body at all. */
    boolean isEmpty() {
        return empty;
    }

    /** Whether the end was seen. */
    boolean isFullyRead() {
        return fullyRead;
    }

    /** Whether the client still waits to be told to send. */
    private boolean isUnrequested() {
        return expectsContinue && !touched;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        touched = true;
        while (!isNextHere(false)) {
            pause(null);
        }
        return take(bytes, offset, length);
    }

    private int take(byte[] bytes, int offset, int length) throws IOException {
        jetty.lock();
        try {
            requireReader();
            Content.Chunk held = chunk;
            if (held == null) {
                return -1;
            }
            int count = Math.min(length, held.remaining());
            held.getByteBuffer().get(bytes, offset, count);
            if (!held.hasRemaining()) {
                release();
            }
            return count;
        } finally {
            jetty.unlock();
        }
    }

    @Override
    public int available() {
        jetty.lock();
        try {
            Content.Chunk held = chunk;
            return held == null ? 0 : held.remaining();
        } finally {
            jetty.unlock();
        }
    }

    /** Whether the next bytes or the end are there; if not, they are asked for. */
    private boolean isNextHere(boolean drainer) throws IOException {
        jetty.lock();
        try {
            if (!drainer) {
                requireReader();
            }
            takeIfThere();
            requireLive();
            if (chunk == null && !fullyRead) {
                demand();
                return false;
            }
            return true;
        } finally {
            jetty.unlock();
        }
    }

    private void pause(@Nullable Long deadline) throws IOException {
        try {
            if (deadline == null) {
                arrived.acquire();
            } else if (!arrived.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw new IOException("The rest of the request did not come in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (InterruptedIOException) new InterruptedIOException("Interrupted reading the request").initCause(e);
        }
    }

    private void demand() {
        if (!demanded) {
            demanded = true;
            request.demand(arrival);
        }
    }

    private void arrive() {
        demanded = false;
        arrived.release();
    }

    /** Fails once the rest is somebody else's, whom a wake-up that came here is passed on to. */
    private void requireReader() throws IOException {
        if (draining) {
            arrived.release();
            throw new IOException("The exchange is over");
        }
    }

    private void requireLive() throws IOException {
        if (cancelled) {
            throw new IOException("The exchange is over");
        }
    }

    private void takeIfThere() {
        if (chunk != null || fullyRead || cancelled || demanded) {
            return;
        }
        Content.Chunk next = request.read();
        if (next == null) {
            return;
        }
        if (Content.Chunk.isFailure(next)) {
            cancelled = true;
            return;
        }
        fullyRead = next.isLast();
        if (next.hasRemaining()) {
            chunk = next;
        } else {
            next.release();
        }
    }

    /**
     * Reads and forgets the rest, for a bounded time, unless the client was never asked for it; when that fails, says
     * so. Whoever else reads fails from now on.
     */
    void drain(Runnable onFailure) {
        draining = true;
        try {
            if (!isUnrequested()) {
                discard(System.nanoTime() + drainTime.toNanos());
            }
        } catch (IOException e) {
            onFailure.run();
        } finally {
            arrived.release();
        }
    }

    private void discard(long deadline) throws IOException {
        while (!fullyRead) {
            if (isNextHere(true)) {
                release();
            } else {
                pause(deadline);
            }
            if (!fullyRead && System.nanoTime() - deadline > 0) {
                throw new IOException("The rest of the request takes too long");
            }
        }
        release();
    }

    /** Gives back what is held. */
    void release() {
        jetty.lock();
        try {
            Content.Chunk held = chunk;
            chunk = null;
            if (held != null) {
                held.release();
            }
        } finally {
            jetty.unlock();
        }
    }

    /** Makes every read fail from now on, then tears down Jetty's side by the given step. */
    void cancel(Runnable teardown) {
        jetty.lock();
        try {
            cancelled = true;
            teardown.run();
        } finally {
            jetty.unlock();
            arrived.release();
        }
    }
}

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
 * reader. At most one chunk of Jetty's is held, and given back as soon as it is read. {@code jetty} is held while
 * Jetty's side of the request is read or torn down, which must not happen at once.
 */
final class RequestBody extends InputStream {
    private static final Duration DRAIN_TIME = Duration.ofSeconds(30);

    private final Request request;
    private final Semaphore arrived = new Semaphore(0);
    private final Runnable arrival = Invocable.from(Invocable.InvocationType.NON_BLOCKING, arrived::release);
    private final ReentrantLock jetty = new ReentrantLock();
    private final boolean expectsContinue;
    private final boolean empty;
    private Content.@Nullable Chunk chunk;
    private boolean touched;
    private volatile boolean fullyRead;
    private volatile boolean cancelled;

    RequestBody(Request request) {
        this.request = request;
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
    boolean isUnrequested() {
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
        Content.Chunk available = await(null);
        if (available == null) {
            return -1;
        }
        int count = Math.min(length, available.remaining());
        available.getByteBuffer().get(bytes, offset, count);
        dropIfRead(available);
        return count;
    }

    @Override
    public int available() {
        Content.Chunk held = chunk;
        return held == null ? 0 : held.remaining();
    }

    /** The next bytes, waiting for them; null at the end. */
    private Content.@Nullable Chunk await(@Nullable Long deadline) throws IOException {
        touched = true;
        takeIfThere();
        while (chunk == null && !fullyRead) {
            demand();
            pause(deadline);
            takeIfThere();
        }
        requireLive();
        return chunk;
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

    private void demand() throws IOException {
        jetty.lock();
        try {
            requireLive();
            request.demand(arrival);
        } finally {
            jetty.unlock();
        }
    }

    private void requireLive() throws IOException {
        if (cancelled) {
            throw new IOException("The exchange is over");
        }
    }

    private void takeIfThere() {
        if (chunk != null || fullyRead) {
            return;
        }
        Content.Chunk next = poll();
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

    private Content.@Nullable Chunk poll() {
        jetty.lock();
        try {
            return cancelled ? null : request.read();
        } finally {
            jetty.unlock();
        }
    }

    private void dropIfRead(Content.Chunk read) {
        if (!read.hasRemaining()) {
            release();
        }
    }

    /** Reads and forgets the rest, for a bounded time; when that fails, says so. */
    void drain(Runnable onFailure) {
        long deadline = System.nanoTime() + DRAIN_TIME.toNanos();
        try {
            while (await(deadline) != null) {
                release();
                if (System.nanoTime() > deadline) {
                    throw new IOException("The rest of the request takes too long");
                }
            }
        } catch (IOException e) {
            onFailure.run();
        }
    }

    /** Gives back what is held; only by the reader, or when there is none any more. */
    void release() {
        Content.Chunk held = chunk;
        chunk = null;
        if (held != null) {
            held.release();
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
        }
        arrived.release();
    }
}

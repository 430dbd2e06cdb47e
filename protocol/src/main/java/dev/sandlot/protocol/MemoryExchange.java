package dev.sandlot.protocol;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ByteChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A request made inside the program: what is answered can be read while it is being written, by another thread, and
 * the writer waits when the reader falls behind. For calls without a network between, and for tests.
 */
public final class MemoryExchange implements Exchange {
    /** How much of the answer waits for its reader before the writer does. */
    public static final int BUFFERED_BYTES = 256 << 10;

    private final String method;
    private final String path;
    private final String query;
    private final Headers requestHeaders = new Headers();
    private final Headers responseHeaders = new Headers();
    private final InputStream requestBody;
    private final long requestLength;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by lock.
    private final ArrayDeque<byte[]> answer = new ArrayDeque<>();
    private final List<Runnable> failureActions = new ArrayList<>();
    private int buffered;
    private int status;
    private long declaredLength;
    private boolean ended;
    private boolean aborted;

    private MemoryExchange(String method, String target, InputStream requestBody, long requestLength) {
        int mark = target.indexOf('?');
        this.method = method.toUpperCase(Locale.ROOT);
        this.path = mark < 0 ? target : target.substring(0, mark);
        this.query = mark < 0 ? "" : target.substring(mark + 1);
        this.requestBody = requestBody;
        this.requestLength = requestLength;
    }

    /** A request with a whole body, which may be empty. */
    public static MemoryExchange of(String method, String target, byte[] body) {
        return new MemoryExchange(method, target, new ByteArrayInputStream(body), body.length);
    }

    /** A request whose body is read as it comes. */
    public static MemoryExchange streaming(String method, String target, InputStream body) {
        return new MemoryExchange(method, target, body, -1);
    }

    /** Adds a field to the request. */
    public MemoryExchange header(String name, String value) {
        requestHeaders.add(name, value);
        return this;
    }

    /** The status of the answer, waiting for it to begin; throws when the exchange was cut before. */
    public int status() throws IOException {
        lock.lock();
        try {
            while (status == 0 && !aborted) {
                changed.awaitUninterruptibly();
            }
            if (status == 0) {
                throw new IOException("exchange was cut before it was answered");
            }
            return status;
        } finally {
            lock.unlock();
        }
    }

    /** The answer's body: waits for more, ends when the answer ends, throws when the exchange is cut. */
    public InputStream responseBody() {
        return new AnswerReader();
    }

    /** The length that the answer declared, or -1; 0 as long as it has not begun. */
    public long declaredLength() {
        lock.lock();
        try {
            return declaredLength;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the exchange was cut. */
    public boolean aborted() {
        lock.lock();
        try {
            return aborted;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the answer came to its proper end. */
    public boolean ended() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public String rawPath() {
        return path;
    }

    @Override
    public String rawQuery() {
        return query;
    }

    @Override
    public String authority() {
        return requestHeaders.first("Host").orElse("");
    }

    @Override
    public String scheme() {
        return "http";
    }

    @Override
    public String remoteAddress() {
        return "in-process";
    }

    @Override
    public Headers requestHeaders() {
        return requestHeaders;
    }

    @Override
    public long requestLength() {
        return requestLength;
    }

    @Override
    public InputStream requestBody() {
        return requestBody;
    }

    @Override
    public Headers responseHeaders() {
        return responseHeaders;
    }

    @Override
    public OutputStream start(int newStatus, long length) throws IOException {
        lock.lock();
        try {
            if (status != 0) {
                throw new IllegalStateException("answer has begun");
            }
            requireOpen();
            status = newStatus;
            declaredLength = length;
            changed.signalAll();
            return new AnswerWriter(length);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean started() {
        lock.lock();
        try {
            return status != 0;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void abort() {
        List<Runnable> actions = List.of();
        lock.lock();
        try {
            if (!ended && !aborted) {
                aborted = true;
                actions = List.copyOf(failureActions);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
        actions.forEach(Runnable::run);
    }

    @Override
    public void onFailure(Runnable action) {
        boolean already;
        lock.lock();
        try {
            failureActions.add(action);
            already = aborted;
        } finally {
            lock.unlock();
        }
        if (already) {
            action.run();
        }
    }

    @Override
    public void tunnel(ByteChannel peer) throws IOException {
        throw new IOException("a request in memory cannot be upgraded");
    }

    private void requireOpen() throws IOException {
        if (aborted) {
            throw new IOException("exchange was cut");
        }
    }

    private void offer(byte[] bytes, boolean last) throws IOException {
        lock.lock();
        try {
            while (buffered > 0 && buffered + bytes.length > BUFFERED_BYTES && !aborted) {
                changed.awaitUninterruptibly();
            }
            requireOpen();
            if (bytes.length > 0) {
                answer.add(bytes);
                buffered += bytes.length;
            }
            ended |= last;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private final class AnswerWriter extends OutputStream {
        private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
        private final long length;
        private long written;
        private boolean closed;

        AnswerWriter(long length) {
            this.length = length;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int count) throws IOException {
            written += count;
            if (length >= 0 && written > length) {
                throw new IOException("more than the declared length");
            }
            pending.write(bytes, offset, count);
        }

        @Override
        public void flush() throws IOException {
            byte[] bytes = pending.toByteArray();
            pending.reset();
            offer(bytes, false);
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            if (length >= 0 && written < length && !method.equals("HEAD")) {
                abort();
            } else {
                offer(pending.toByteArray(), true);
            }
        }
    }

    private final class AnswerReader extends InputStream {
        private byte[] current = new byte[0];
        private int position;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int count) throws IOException {
            if (count == 0) {
                return 0;
            }
            if (position == current.length && !take()) {
                return -1;
            }
            int n = Math.min(count, current.length - position);
            System.arraycopy(current, position, into, offset, n);
            position += n;
            return n;
        }

        private boolean take() throws IOException {
            lock.lock();
            try {
                while (answer.isEmpty() && !ended && !aborted) {
                    changed.awaitUninterruptibly();
                }
                byte[] next = answer.poll();
                if (next == null) {
                    requireOpen();
                    return false;
                }
                buffered -= next.length;
                current = next;
                position = 0;
                changed.signalAll();
                return true;
            } finally {
                lock.unlock();
            }
        }
    }
}

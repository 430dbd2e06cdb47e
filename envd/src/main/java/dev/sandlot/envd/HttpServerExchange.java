package dev.sandlot.envd;

import com.sun.net.httpserver.HttpExchange;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An exchange carried by the JDK's server.
 *
 * <p>It ends exactly once: properly when the answer is closed at its length, else by cutting the connection. What is
 * left of the request is read before a proper end, for {@link #DRAIN_TIME} at most, so that a client that sends
 * before it listens gets its answer. {@code lock} guards {@code state} and {@code failureActions}.
 */
final class HttpServerExchange implements Exchange {
    private enum State {
        OPEN,
        ENDED,
        FAILED
    }

    /** How long the rest of a request may take after it was answered. */
    static final Duration DRAIN_TIME = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(HttpServerExchange.class);
    private static final Set<String> FRAMING = Set.of("content-length", "transfer-encoding", "connection");
    private static final int NOT_MODIFIED = 304;
    private static final int NO_CONTENT = 204;
    private static final int NO_BODY = -1;
    private static final int CHUNKED = 0;

    private final EnvdHost host;
    private final HttpExchange exchange;
    private final HttpConnection connection;
    private final Headers requestHeaders = new Headers();
    private final Headers responseHeaders = new Headers();
    private final RequestStream body;

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Runnable> failureActions = new ArrayList<>(1);
    private State state = State.OPEN;

    private volatile boolean started;

    HttpServerExchange(EnvdHost host, HttpExchange exchange) {
        this.host = host;
        this.exchange = exchange;
        this.connection = new HttpConnection(exchange);
        exchange.getRequestHeaders()
                .forEach((name, values) -> values.forEach(value -> requestHeaders.add(name, value)));
        this.body = new RequestStream(exchange.getRequestBody(), requestLength());
    }

    @Override
    public String method() {
        return exchange.getRequestMethod();
    }

    @Override
    public String rawPath() {
        return Optional.ofNullable(exchange.getRequestURI().getRawPath())
                .filter(path -> !path.isEmpty())
                .orElse("/");
    }

    @Override
    public String rawQuery() {
        return Optional.ofNullable(exchange.getRequestURI().getRawQuery()).orElse("");
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
        return exchange.getRemoteAddress().getAddress().getHostAddress();
    }

    @Override
    public Headers requestHeaders() {
        return requestHeaders;
    }

    @Override
    public long requestLength() {
        if (requestHeaders.has("Transfer-Encoding")) {
            return -1;
        }
        return requestHeaders.first("Content-Length").map(Long::parseLong).orElse(0L);
    }

    @Override
    public InputStream requestBody() {
        return body;
    }

    @Override
    public Headers responseHeaders() {
        return responseHeaders;
    }

    @Override
    public OutputStream start(int status, long length) throws IOException {
        if (started) {
            throw new IllegalStateException("the answer has begun");
        }
        requireOpen();
        started = true;
        responseHeaders.forEach(this::addField);
        try {
            return begin(status, length);
        } catch (IOException e) {
            abort();
            throw e;
        }
    }

    private OutputStream begin(int status, long length) throws IOException {
        boolean head = method().equals("HEAD");
        if (status == NO_CONTENT || status == NOT_MODIFIED || head || length == 0) {
            if (head && length >= 0) {
                exchange.getResponseHeaders().set("Content-Length", Long.toString(length));
            }
            // The server ends the exchange by itself when there is no body.
            finish(() -> exchange.sendResponseHeaders(status, NO_BODY));
            return new EmptyAnswer();
        }
        exchange.sendResponseHeaders(status, length < 0 ? CHUNKED : length);
        return new Answer(exchange.getResponseBody(), length);
    }

    /** Framing is decided here and not by the handler. */
    private void addField(String name, String value) {
        if (!FRAMING.contains(name.toLowerCase(Locale.ROOT))) {
            exchange.getResponseHeaders().add(name, value);
        }
    }

    @Override
    public boolean started() {
        return started;
    }

    /** Whether the answer came to its proper end. */
    boolean ended() {
        lock.lock();
        try {
            return state == State.ENDED;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void abort() {
        List<Runnable> actions = end(State.FAILED);
        if (actions == null) {
            return;
        }
        try {
            connection.cut();
        } catch (IOException e) {
            LOG.debug("connection of {} was not closed", exchange.getRemoteAddress(), e);
        }
        actions.forEach(Thread::startVirtualThread);
    }

    /** Only exchanges that somebody wants to hear the failure of are worth a watch on their connection. */
    @Override
    public void onFailure(Runnable action) {
        lock.lock();
        try {
            if (state == State.OPEN) {
                failureActions.add(action);
            }
            if (state != State.FAILED) {
                watch();
                return;
            }
        } finally {
            lock.unlock();
        }
        action.run();
    }

    private void watch() {
        if (state != State.OPEN) {
            return;
        }
        try {
            connection.watch(host.loop(), this::abort);
        } catch (IOException e) {
            LOG.warn("a client that leaves will be seen only when it is written to", e);
        }
    }

    @Override
    public void tunnel(ByteChannel peer) throws IOException {
        try (peer) {
            throw new IOException("this server upgrades no connections");
        }
    }

    private void requireOpen() throws IOException {
        lock.lock();
        try {
            if (state != State.OPEN) {
                throw new IOException("the exchange is over");
            }
        } finally {
            lock.unlock();
        }
    }

    /** Moves to a final state; the actions to run on failure if this call did so, else null. */
    private @Nullable List<Runnable> end(State last) {
        lock.lock();
        try {
            if (state != State.OPEN) {
                return null;
            }
            state = last;
            return List.copyOf(failureActions);
        } finally {
            lock.unlock();
        }
    }

    private interface LastStep {
        void run() throws IOException;
    }

    /** Sends the last of the answer; the server then reads the rest of the request before it returns. */
    private void finish(LastStep step) throws IOException {
        Runnable calledOff = body.isFullyRead() ? () -> {} : host.after(DRAIN_TIME, this::abort);
        connection.unwatch();
        try {
            step.run();
        } finally {
            calledOff.run();
        }
        if (end(State.ENDED) == null) {
            throw new IOException("the exchange was cut");
        }
    }

    /** Knows when the request has been read to its end. */
    private static final class RequestStream extends InputStream {
        private final InputStream from;
        private long left;
        private volatile boolean fullyRead;

        /** @param length how much there is, or -1 when not known */
        RequestStream(InputStream from, long length) {
            this.from = from;
            this.left = length;
            this.fullyRead = length == 0;
        }

        boolean isFullyRead() {
            return fullyRead;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int count) throws IOException {
            if (count == 0 || fullyRead) {
                return count == 0 ? 0 : -1;
            }
            int n = from.read(bytes, offset, count);
            left -= left > 0 ? Math.max(n, 0) : 0;
            fullyRead = n < 0 || left == 0;
            return n;
        }
    }

    private static final class EmptyAnswer extends OutputStream {
        @Override
        public void write(int b) {}

        @Override
        public void write(byte[] bytes, int offset, int count) {}
    }

    private final class Answer extends OutputStream {
        private final OutputStream to;
        private final long length;
        private long written;
        private boolean closed;

        Answer(OutputStream to, long length) {
            this.to = to;
            this.length = length;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int count) throws IOException {
            if (length >= 0 && written + count > length) {
                throw new IOException("more than the declared length");
            }
            attempt(() -> to.write(bytes, offset, count));
            written += count;
        }

        @Override
        public void flush() throws IOException {
            attempt(to::flush);
        }

        @Override
        public void close() throws IOException {
            if (closed) {
                return;
            }
            closed = true;
            if (length >= 0 && written < length) {
                abort();
                return;
            }
            attempt(() -> finish(to::close));
        }

        private void attempt(LastStep step) throws IOException {
            try {
                step.run();
            } catch (IOException e) {
                abort();
                throw e;
            }
        }
    }
}

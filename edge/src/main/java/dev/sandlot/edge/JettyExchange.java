package dev.sandlot.edge;

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
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.HttpStream;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An exchange carried by Jetty.
 *
 * <p>Life: made on a Jetty thread, used on a virtual thread of its own, and ended exactly once: by {@link #finish},
 * which completes the answer, or by {@link #abort}, which cuts it. {@code lock} guards {@code state} and
 * {@code failureActions}; Jetty is never called with the lock held.
 */
final class JettyExchange implements Exchange {
    private enum State {
        OPEN,
        ENDED,
        FAILED
    }

    private static final Logger LOG = LoggerFactory.getLogger(JettyExchange.class);
    private static final Set<String> FRAMING = Set.of("content-length", "transfer-encoding");
    private static final Set<String> CONNECTION = Set.of("connection", "keep-alive", "proxy-connection", "upgrade");

    private final Request request;
    private final Response response;
    private final Callback completion;
    private final Headers requestHeaders;
    private final Headers responseHeaders = new Headers();
    private final RequestBody body;
    private final long startedNanos = System.nanoTime();

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Runnable> failureActions = new ArrayList<>(1);
    private State state = State.OPEN;

    private volatile @Nullable AnswerBody answer;
    private boolean watched;

    JettyExchange(Request request, Response response, Callback completion, Duration drainTime) {
        this.request = request;
        this.response = response;
        this.completion = completion;
        this.requestHeaders = headersOf(request);
        this.body = new RequestBody(request, drainTime);
        request.addIdleTimeoutListener(timeout -> false);
        request.addFailureListener(failure -> fail());
    }

    private static Headers headersOf(Request request) {
        Headers headers = new Headers();
        for (HttpField field : request.getHeaders()) {
            String value = field.getValue();
            headers.add(field.getName(), value == null ? "" : value);
        }
        return headers;
    }

    @Override
    public String method() {
        return request.getMethod();
    }

    @Override
    public String rawPath() {
        String path = request.getHttpURI().getPath();
        return path == null || path.isEmpty() ? "/" : path;
    }

    @Override
    public String rawQuery() {
        String query = request.getHttpURI().getQuery();
        return query == null ? "" : query;
    }

    @Override
    public String authority() {
        String host = request.getHeaders().get(HttpHeader.HOST);
        if (host != null) {
            return host;
        }
        String authority = request.getHttpURI().getAuthority();
        return authority == null ? "" : authority;
    }

    @Override
    public String scheme() {
        return request.isSecure() ? "https" : "http";
    }

    @Override
    public String remoteAddress() {
        return Request.getRemoteAddr(request);
    }

    @Override
    public Headers requestHeaders() {
        return requestHeaders;
    }

    @Override
    public long requestLength() {
        return body.isEmpty() ? 0 : request.getLength();
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
        if (answer != null) {
            throw new IllegalStateException("The answer has begun");
        }
        requireOpen();
        response.setStatus(status);
        responseHeaders.forEach(this::addField);
        boolean bodiless = status == HttpStatus.NO_CONTENT_204 || status == HttpStatus.NOT_MODIFIED_304;
        if (length > 0 || (length == 0 && !bodiless)) {
            response.getHeaders().put(HttpHeader.CONTENT_LENGTH, length);
        }
        boolean head = method().equals("HEAD");
        AnswerBody started = new AnswerBody(response, head ? -1 : bodiless ? 0 : length, this::abort);
        answer = started;
        if (length == 0 || head || bodiless) {
            started.sendHead();
        }
        return started;
    }

    /** Framing is decided here and not by the handler; HTTP/2 knows no fields about the connection. */
    private void addField(String name, String value) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (!FRAMING.contains(lower) && !(isHttp2() && CONNECTION.contains(lower))) {
            response.getHeaders().add(name, value);
        }
    }

    private void requireOpen() throws IOException {
        lock.lock();
        try {
            if (state != State.OPEN) {
                throw new IOException("The exchange is over");
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean started() {
        return answer != null;
    }

    @Override
    public void abort() {
        fail();
    }

    @Override
    public void onFailure(Runnable action) {
        lock.lock();
        try {
            if (state == State.OPEN) {
                failureActions.add(action);
            }
            if (state != State.FAILED) {
                return;
            }
        } finally {
            lock.unlock();
        }
        action.run();
    }

    /** Ends the exchange as failed; the first caller cuts the connection or stream and tells those who asked. */
    private void fail() {
        List<Runnable> actions = end(State.FAILED);
        if (actions == null) {
            return;
        }
        try {
            body.cancel(() -> completion.failed(new Request.Handler.AbortException("The exchange was cut")));
        } finally {
            actions.forEach(action -> Thread.startVirtualThread(action));
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

    /**
     * Ends the exchange after its handler has returned: properly if the answer is complete, else by cutting it.
     * What is left of the request is read first, so that a client that sends before it listens gets its answer; if
     * it does not come, the connection is cut.
     */
    void finish() {
        try {
            complete();
        } catch (RuntimeException | Error e) {
            LOG.error("{} {} could not be ended", method(), rawPath(), e);
            fail();
        }
    }

    private void complete() {
        AnswerBody sent = answer;
        if (sent == null || !sent.isComplete()) {
            fail();
            return;
        }
        body.drain(this::fail);
        unwatch();
        if (end(State.ENDED) != null) {
            try {
                body.release();
            } finally {
                completion.succeeded();
            }
        }
    }

    /** How long the exchange has lasted. */
    long ageNanos() {
        return System.nanoTime() - startedNanos;
    }

    /** Begins to look for the client's going away, unless Jetty does so by itself. Repeatable. */
    void watch() {
        if (watched || !body.isFullyRead() || !(endPoint() instanceof WatchedEndPoint endPoint) || isHttp2()) {
            return;
        }
        lock.lock();
        try {
            if (state == State.OPEN) {
                watched = true;
                endPoint.watch(this::fail);
            }
        } finally {
            lock.unlock();
        }
    }

    private void unwatch() {
        lock.lock();
        try {
            if (watched && endPoint() instanceof WatchedEndPoint endPoint) {
                endPoint.unwatch();
            }
            watched = true;
        } finally {
            lock.unlock();
        }
    }

    private EndPoint endPoint() {
        return request.getConnectionMetaData().getConnection().getEndPoint();
    }

    private boolean isHttp2() {
        return request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2;
    }

    @Override
    public void tunnel(ByteChannel peer) throws IOException {
        try (peer) {
            if (request.getConnectionMetaData().getHttpVersion() != HttpVersion.HTTP_1_1) {
                throw new IOException("Only HTTP/1.1 connections can be upgraded");
            }
            if (!body.isFullyRead()) {
                throw new IOException("An upgrade request with a body cannot be upgraded");
            }
            requireOpen();
            onFailure(() -> Tunnel.close(peer));
            Tunnel tunnel = new Tunnel(endPoint(), request.getComponents().getExecutor());
            AnswerBody head = switchProtocols(tunnel);
            unwatch();
            if (end(State.ENDED) == null) {
                throw new IOException("The client is gone");
            }
            body.release();
            answer = head;
            completion.succeeded();
            tunnel.run(peer);
        }
    }

    private AnswerBody switchProtocols(Tunnel tunnel) throws IOException {
        response.setStatus(HttpStatus.SWITCHING_PROTOCOLS_101);
        responseHeaders.forEach(response.getHeaders()::add);
        request.setAttribute(HttpStream.UPGRADE_CONNECTION_ATTRIBUTE, tunnel);
        AnswerBody head = new AnswerBody(response, 0, this::abort);
        head.close();
        return head;
    }
}

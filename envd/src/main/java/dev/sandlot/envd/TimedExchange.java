package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ByteChannel;
import java.util.concurrent.atomic.AtomicReference;

/** An exchange that knows for how long its handler has been busy without waiting for the client, and can be taken away. */
final class TimedExchange implements Exchange {
    private enum State {
        OPEN,
        STARTED,
        GIVEN_UP
    }

    private static final long WITH_CLIENT = 0;

    private final Exchange exchange;
    private final InputStream body;
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
    /** When the handler was last free of the client, or {@link #WITH_CLIENT}. */
    private volatile long busySince = now();

    TimedExchange(Exchange exchange) {
        this.exchange = exchange;
        this.body = new Body(exchange.requestBody());
    }

    /** How long the handler has been at work since it last waited for the client; 0 while it does. */
    long busyNanos() {
        long since = busySince;
        return since == WITH_CLIENT ? 0 : System.nanoTime() - since;
    }

    /** Takes the exchange from its handler, unless that has begun to answer. */
    boolean giveUp() {
        return state.compareAndSet(State.OPEN, State.GIVEN_UP);
    }

    private static long now() {
        long now = System.nanoTime();
        return now == WITH_CLIENT ? 1 : now;
    }

    private interface Step<T> {
        T take() throws IOException;
    }

    private <T> T withClient(Step<T> step) throws IOException {
        busySince = WITH_CLIENT;
        try {
            return step.take();
        } finally {
            busySince = now();
        }
    }

    @Override
    public OutputStream start(int status, long length) throws IOException {
        if (!state.compareAndSet(State.OPEN, State.STARTED) && state.get() == State.GIVEN_UP) {
            throw new IOException("the exchange was given up");
        }
        return new Out(withClient(() -> exchange.start(status, length)));
    }

    @Override
    public String method() {
        return exchange.method();
    }

    @Override
    public String rawPath() {
        return exchange.rawPath();
    }

    @Override
    public String rawQuery() {
        return exchange.rawQuery();
    }

    @Override
    public String authority() {
        return exchange.authority();
    }

    @Override
    public String scheme() {
        return exchange.scheme();
    }

    @Override
    public String remoteAddress() {
        return exchange.remoteAddress();
    }

    @Override
    public Headers requestHeaders() {
        return exchange.requestHeaders();
    }

    @Override
    public long requestLength() {
        return exchange.requestLength();
    }

    @Override
    public InputStream requestBody() {
        return body;
    }

    @Override
    public Headers responseHeaders() {
        return exchange.responseHeaders();
    }

    @Override
    public boolean started() {
        return exchange.started();
    }

    @Override
    public void abort() {
        exchange.abort();
    }

    @Override
    public void onFailure(Runnable action) {
        exchange.onFailure(action);
    }

    @Override
    public void tunnel(ByteChannel peer) throws IOException {
        withClient(() -> {
            exchange.tunnel(peer);
            return true;
        });
    }

    private final class Body extends FilterInputStream {
        Body(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            return withClient(in::read);
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            return withClient(() -> in.read(into, offset, length));
        }
    }

    private final class Out extends FilterOutputStream {
        Out(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int b) throws IOException {
            withClient(() -> {
                out.write(b);
                return true;
            });
        }

        @Override
        public void write(byte[] from, int offset, int length) throws IOException {
            withClient(() -> {
                out.write(from, offset, length);
                return true;
            });
        }

        @Override
        public void flush() throws IOException {
            withClient(() -> {
                out.flush();
                return true;
            });
        }

        @Override
        public void close() throws IOException {
            withClient(() -> {
                out.close();
                return true;
            });
        }
    }
}

package dev.sandlot.envd;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTP/1.1 for one sandbox by the JDK's own server; each request on a virtual thread (envd.md 1). How long
 * connections may idle and the like are properties that the JDK reads once: {@link #tune} comes first.
 */
final class GuestServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GuestServer.class);
    private static final int BACKLOG = 4096;

    /** Longer than the 620 s of proxies in front; no limits on time and size; no waiting for full packets. */
    private static final Map<String, String> TUNING = Map.of(
            "sun.net.httpserver.idleInterval", "640",
            "sun.net.httpserver.maxIdleConnections", "100000",
            "sun.net.httpserver.drainAmount", Long.toString(Long.MAX_VALUE),
            "sun.net.httpserver.nodelay", "true");

    private final EnvdHost host;
    private final ExchangeHandler handler;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private GuestServer(EnvdHost host, ExchangeHandler handler, InetSocketAddress address) throws IOException {
        this.host = host;
        this.handler = handler;
        server = HttpServer.create(address, BACKLOG);
        server.createContext("/", this::handle);
        server.setExecutor(threads);
    }

    /** Sets what the JDK's server reads from system properties when it is first used. */
    static void tune() {
        TUNING.forEach(System::setProperty);
    }

    /** Begins to listen and to answer. */
    static GuestServer start(EnvdHost host, ExchangeHandler handler, InetSocketAddress address) throws IOException {
        GuestServer started = new GuestServer(host, handler, address);
        started.server.start();
        return started;
    }

    /** Where this listens. */
    InetSocketAddress address() {
        return server.getAddress();
    }

    /** An answer that was not finished ends in an exception, at which the server gives the connection up. */
    private void handle(HttpExchange carried) throws IOException {
        HttpServerExchange exchange = new HttpServerExchange(host, carried);
        try {
            answer(exchange);
        } finally {
            if (!exchange.ended()) {
                exchange.abort();
            }
        }
        if (!exchange.ended()) {
            throw new IOException("the exchange was cut");
        }
    }

    private void answer(HttpServerExchange exchange) throws IOException {
        try {
            handler.handle(exchange);
        } catch (IOException e) {
            LOG.debug("{} {} was not finished", exchange.method(), exchange.rawPath(), e);
            exchange.abort();
        } catch (RuntimeException | Error e) {
            LOG.error("{} {} failed", exchange.method(), exchange.rawPath(), e);
            answerFailure(exchange);
        }
    }

    private static void answerFailure(HttpServerExchange exchange) throws IOException {
        if (!exchange.started()) {
            RestErrors.send(exchange, 500, "internal error");
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}

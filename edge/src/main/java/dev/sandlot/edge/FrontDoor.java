package dev.sandlot.edge;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.SandboxTraffic;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * The HTTP server of the program (platform.md 14): any number of listeners, each with HTTP/1.1 and cleartext
 * HTTP/2, whose requests go to the API, to the image registry or to a port of a sandbox.
 *
 * <p>Handlers run on virtual threads. An exchange has no time limit and a body no size limit. A connection without an
 * exchange is closed after 640 s, one on which the head of an HTTP/1.1 request takes longer than 5 s is closed then, and
 * one whose request has not come to its end 30 s after its answer is cut.
 */
public final class FrontDoor implements AutoCloseable {
    private static final int SPARE_THREADS = 4;
    private static final int THREADS_PER_LISTENER = 3;
    private static final Duration CLOSING_TIME = Duration.ofSeconds(2);

    /** How long the rest of a request may take after its answer. */
    private static final Duration DRAIN_TIME = Duration.ofSeconds(30);

    /** Connections have at most one of so many descriptors: sandboxes, their files and the store need the others. */
    private static final int DESCRIPTORS_PER_CONNECTION = 2;

    private final Server server;
    private final Exchanges exchanges;
    private final List<FrontConnector> connectors = new ArrayList<>();
    private final Map<FrontListener, String> unbound = new ConcurrentHashMap<>();

    /**
     * @param listeners where to listen; at least one
     * @param api answers what is not for a sandbox
     * @param sandboxes answers what is for a port of a sandbox
     */
    public FrontDoor(List<FrontListener> listeners, ExchangeHandler api, SandboxTraffic sandboxes) {
        this(listeners, api, api, sandboxes);
    }

    /**
     * The same with an image registry.
     *
     * @param registry answers the registry's paths of the API's port, and everything of its own
     */
    public FrontDoor(
            List<FrontListener> listeners, ExchangeHandler api, ExchangeHandler registry, SandboxTraffic sandboxes) {
        this(listeners, api, registry, sandboxes, DRAIN_TIME, FrontConnector.HEAD_TIME, mostConnections());
    }

    private static int mostConnections() {
        long descriptors = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getMaxFileDescriptorCount()
                : Integer.MAX_VALUE;
        return Math.clamp(descriptors / DESCRIPTORS_PER_CONNECTION, 1, Integer.MAX_VALUE);
    }

    FrontDoor(
            List<FrontListener> listeners,
            ExchangeHandler api,
            ExchangeHandler registry,
            SandboxTraffic sandboxes,
            Duration drainTime,
            Duration headTime,
            int mostConnections) {
        if (listeners.isEmpty()) {
            throw new IllegalArgumentException("A front door needs a listener");
        }
        int most = SPARE_THREADS + THREADS_PER_LISTENER * listeners.size();
        QueuedThreadPool threads = new QueuedThreadPool(most, 1 + listeners.size());
        threads.setName("front");
        threads.setReservedThreads(1);
        server = new Server(threads);
        exchanges = new Exchanges(new Routing(api, registry, sandboxes), drainTime);
        server.setHandler(exchanges);
        server.setErrorHandler(new UnreadableRequests());
        for (FrontListener listener : listeners) {
            FrontConnector connector = new FrontConnector(server, listener, headTime);
            connectors.add(connector);
            server.addConnector(connector);
        }
        server.addBean(new NetworkConnectionLimit(mostConnections, server));
    }

    /**
     * Binds all listeners and begins to serve. A registry's address that cannot be bound is left out, see
     * {@link #unbound}.
     *
     * @throws IOException when another address cannot be bound; none is bound then
     */
    public void start() throws IOException {
        try {
            openRegistries();
            server.start();
        } catch (IOException e) {
            close();
            throw e;
        } catch (Exception e) {
            close();
            throw new IOException("Could not start the front door", e);
        }
    }

    private void openRegistries() {
        for (FrontConnector connector : connectors) {
            if (connector.listener().kind() == FrontListener.Kind.REGISTRY) {
                try {
                    connector.open();
                } catch (IOException e) {
                    server.removeConnector(connector);
                    unbound.put(connector.listener(), String.valueOf(e.getMessage()));
                }
            }
        }
    }

    /** The registry's listeners whose address could not be bound, and why. */
    public Map<FrontListener, String> unbound() {
        return Map.copyOf(unbound);
    }

    /** The port that a listener is bound to, in the order they were given; negative when it is not bound. */
    public int port(int listener) {
        return connectors.get(listener).getLocalPort();
    }

    /**
     * Stops accepting connections at once, waits until all exchanges have ended or the patience has, cuts those
     * that are left, and closes every connection.
     *
     * @return whether no exchange had to be cut
     */
    public boolean stop(Duration patience) throws InterruptedException {
        connectors.forEach(FrontConnector::stopAccepting);
        boolean drained = exchanges.awaitNone(patience);
        exchanges.abortAll();
        exchanges.awaitNone(CLOSING_TIME);
        try {
            server.stop();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("Could not stop the front door", e);
        }
        return drained;
    }

    /** Stops without patience. */
    @Override
    public void close() {
        connectors.forEach(FrontConnector::close);
        try {
            stop(Duration.ZERO);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

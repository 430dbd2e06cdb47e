package dev.sandlot.node;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries requests to services inside sandboxes (platform.md 14.4): HTTP/1.1 towards the service, bodies streamed
 * both ways at the pace of the slower side, upgrades as raw tunnels, no time limits but for the dial.
 *
 * <p>Connections are kept per run of a sandbox and end with it. Each exchange uses the calling virtual thread, and
 * a second one while a request body is under way.
 */
public final class PortProxy implements AutoCloseable {
    static final Logger LOG = LoggerFactory.getLogger(PortProxy.class);

    private final ConcurrentHashMap<Object, RunConnections> runs = new ConcurrentHashMap<>();

    /**
     * Forwards an exchange and answers it, wholly, before it returns. A port where nothing listens is answered
     * with 502 after a second of trying.
     *
     * @param exchange not yet started
     * @param sandboxId the sandbox, for error answers
     * @param target the port of the service
     * @param runKey this run of the sandbox, for example its execution ID; connections are shared within it alone
     * @throws IOException when the client is gone or the service cut its answer; the exchange is to be aborted
     */
    public void forward(Exchange exchange, String sandboxId, ServicePort target, Object runKey) throws IOException {
        RunConnections connections = runs.computeIfAbsent(runKey, key -> new RunConnections());
        new Forwarding(exchange, new SandboxId(sandboxId), target, connections).run();
    }

    /** Ends a run: its exchanges are cut and its connections closed. */
    public void drop(Object runKey) {
        RunConnections connections = runs.remove(runKey);
        if (connections != null) {
            connections.end();
        }
    }

    /** Ends all runs. */
    @Override
    public void close() {
        List.copyOf(runs.keySet()).forEach(this::drop);
    }
}

package dev.sandlot.app;

import dev.sandlot.edge.FrontDoor;
import dev.sandlot.node.NodeAgent;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.NodeService.NodeSandbox;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** The server that {@link Composition} has put together. */
final class UpServer implements RunningServer {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** What {@code localhost} and names below it mean: no other loopback address. */
    private static final Set<InetAddress> LOCALHOST =
            Set.of(InetAddress.ofLiteral("127.0.0.1"), InetAddress.ofLiteral("::1"));

    private final Settings.Listen listen;
    private final String apiKey;
    private final FrontDoor door;
    private final NodeAgent node;
    private final Closing parts;
    private final AtomicBoolean closed = new AtomicBoolean();

    UpServer(Settings.Listen listen, String apiKey, FrontDoor door, NodeAgent node, Closing parts) {
        this.listen = listen;
        this.apiKey = apiKey;
        this.door = door;
        this.node = node;
        this.parts = parts;
    }

    @Override
    public Addresses addresses() {
        return new Addresses(address(0), address(1), address(2));
    }

    private URI address(int listener) {
        return URI.create("http://" + reachable(listen.address()) + ":" + door.port(listener));
    }

    /** A name under which clients on this machine reach that address. */
    private static String reachable(String address) {
        try {
            InetAddress bound = InetAddress.ofLiteral(address);
            if (bound.isAnyLocalAddress() || LOCALHOST.contains(bound)) {
                return "localhost";
            }
        } catch (IllegalArgumentException name) {
            return address;
        }
        return address.contains(":") ? "[" + address + "]" : address;
    }

    @Override
    public String sandboxDomain() {
        return sandboxDomain(listen, door.port(0));
    }

    /** A domain that was set, as it is; the default with the port, where names below localhost lead to the server. */
    static String sandboxDomain(Settings.Listen listen, int port) {
        if (!listen.domain().equals(Setting.DOMAIN.defaultText())) {
            return listen.domain();
        }
        return reachable(listen.address()).equals("localhost") ? listen.domain() + ":" + port : "";
    }

    @Override
    public String apiKey() {
        return apiKey;
    }

    @Override
    public Stats stats() {
        return new Stats(node.list().size(), 0);
    }

    @Override
    public int close(Sandboxes sandboxes) throws IOException {
        if (closed.getAndSet(true)) {
            return 0;
        }
        if (sandboxes == Sandboxes.END) {
            endAll();
        }
        stopDoor();
        int left = node.list().size();
        IOException failure = new IOException("the server did not stop cleanly");
        parts.closeAll(failure);
        if (failure.getSuppressed().length > 0) {
            throw failure;
        }
        return left;
    }

    private void stopDoor() {
        try {
            door.stop(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void endAll() throws IOException {
        List<NodeSandbox> all = node.list();
        for (NodeSandbox sandbox : all) {
            try {
                node.kill(sandbox.id());
            } catch (ApiException e) {
                throw new IOException("could not end sandbox " + sandbox.id(), e);
            }
        }
    }
}

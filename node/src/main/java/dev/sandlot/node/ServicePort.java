package dev.sandlot.node;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.util.List;

/**
 * A port of a sandbox, whatever address its service is bound to (envd.md 10). Services on {@code 0.0.0.0},
 * {@code 127.0.0.1} and, for IPv4 as well, {@code ::} are reached from outside. Where none of them listens, the
 * sandbox's own network is tried from inside: {@code ::1}, which {@code ::} for IPv6 alone answers too, then the
 * sandbox's own address.
 *
 * @param outside where the machine reaches the port
 */
public record ServicePort(InetSocketAddress outside, Inside inside) {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("::1");

    /** Makes sockets inside the network of the sandbox. */
    @FunctionalInterface
    public interface Inside {
        /** A socket that is not connected yet. */
        SocketChannel open() throws IOException;
    }

    int port() {
        return outside.getPort();
    }

    /**
     * Connects to the service.
     *
     * @throws ConnectException when nothing listens on any of its addresses
     */
    SandboxSocket dial() throws IOException {
        try {
            return SandboxSocket.dial(this, SocketChannel.open(), outside);
        } catch (ConnectException refused) {
            return dialInside(refused);
        }
    }

    private SandboxSocket dialInside(ConnectException refused) throws IOException {
        for (InetAddress address : List.of(LOOPBACK, outside.getAddress())) {
            try {
                return SandboxSocket.dial(this, inside.open(), new InetSocketAddress(address, port()));
            } catch (ConnectException | UnsupportedAddressTypeException e) {
                // A network without IPv6 has no such address.
                refused.addSuppressed(e);
            }
        }
        throw refused;
    }
}

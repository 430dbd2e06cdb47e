package dev.sandlot.images;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;

/**
 * Which machines may be asked for images. Users name registries, and registries name token services and mirrors; none
 * of them shall make this machine talk to what is only reachable from here.
 */
public enum RegistryAccess {
    /** Public addresses alone. */
    PUBLIC,
    /** Any address, those of this machine and its network included. */
    ANY,
    /** Any address, asked without TLS: a registry that the operator named by an {@code http://} address. */
    ANY_PLAIN;

    /** Whether a registry that is not on this machine is asked without TLS. */
    boolean isPlain() {
        return this == ANY_PLAIN;
    }

    /**
     * Looks at where a request would go.
     *
     * @throws ImageRefusedException when it may not go there
     * @throws RegistryUnreachableException when the name is of nobody
     */
    void check(URI uri) throws IOException {
        String host = uri.getHost();
        if (host == null) {
            throw new ImageRefusedException("the registry points to " + uri + ", which names no host");
        }
        if (this != PUBLIC) {
            return;
        }
        try {
            for (InetAddress address : InetAddress.getAllByName(host)) {
                refusePrivate(host, address);
            }
        } catch (UnknownHostException e) {
            throw new RegistryUnreachableException(host, e);
        }
    }

    private static void refusePrivate(String host, InetAddress address) throws ImageRefusedException {
        if (address.isLoopbackAddress()
                || address.isAnyLocalAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()
                || isShared(address.getAddress())
                || (address instanceof Inet6Address && (address.getAddress()[0] & 0xfe) == 0xfc)) {
            throw new ImageRefusedException("the registry " + host + " is at a private address;"
                    + " images are only pulled from there when the setting images.private-registries is on");
        }
    }

    /** RFC 6598, 100.64.0.0/10; and 0.0.0.0/8. */
    private static boolean isShared(byte[] address) {
        return address.length == 4 && (address[0] == 0 || (address[0] == 100 && (address[1] & 0xc0) == 64));
    }
}

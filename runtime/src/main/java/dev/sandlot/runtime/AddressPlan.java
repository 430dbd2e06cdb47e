package dev.sandlot.runtime;

import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * Cuts a range into one /30 for each slot: the machine has the first address of it, the sandbox the second.
 *
 * @param base first address of the range
 * @param prefix its length, at most 30
 */
public record AddressPlan(int base, int prefix) {
    static final int SLOT_PREFIX = 30;
    private static final int SLOT_SIZE = 4;

    public AddressPlan {
        if (prefix < 8 || prefix > SLOT_PREFIX || (base & (1 << (32 - prefix)) - 1) != 0) {
            throw new IllegalArgumentException("not a range of addresses for sandboxes: " + base + "/" + prefix);
        }
    }

    /** Reads {@code 10.201.0.0/16}. */
    public static AddressPlan parse(String cidr) {
        String[] parts = cidr.split("/", 2);
        if (parts.length != 2) {
            throw new IllegalArgumentException("not a range of addresses: " + cidr);
        }
        byte[] address = InetAddress.ofLiteral(parts[0]).getAddress();
        if (address.length != Integer.BYTES) {
            throw new IllegalArgumentException("not an IPv4 range: " + cidr);
        }
        return new AddressPlan(ByteBuffer.wrap(address).getInt(), Integer.parseInt(parts[1]));
    }

    int mask() {
        return -1 << (32 - prefix);
    }

    boolean overlaps(AddressPlan other) {
        int common = mask() & other.mask();
        return (base & common) == (other.base & common);
    }

    int slots() {
        return 1 << (SLOT_PREFIX - prefix);
    }

    Inet4Address gateway(int slot) {
        return address(base + slot * SLOT_SIZE + 1);
    }

    Inet4Address guest(int slot) {
        return address(base + slot * SLOT_SIZE + 2);
    }

    /** As in {@code 10.201.0.0/16}. */
    public String cidr() {
        return text(base) + "/" + prefix;
    }

    static String text(int value) {
        return address(value).getHostAddress();
    }

    private static Inet4Address address(int value) {
        try {
            return (Inet4Address) InetAddress.getByAddress(
                    ByteBuffer.allocate(Integer.BYTES).putInt(value).array());
        } catch (UnknownHostException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package dev.sandlot.runtime;

import java.nio.ByteOrder;
import java.util.List;

/**
 * A route of this machine that is not a default route, from a line of {@code /proc/net/route}: the link, then
 * destination, gateway, flags, counters and metric, then the mask, the addresses as hexadecimal numbers in the byte
 * order of the machine.
 */
record HostRoute(String link, int base, int mask) {
    private static final int DESTINATION = 1;
    private static final int MASK = 7;

    static List<HostRoute> parse(List<String> lines) {
        return lines.stream()
                .skip(1)
                .map(line -> line.strip().split("\\s+"))
                .filter(fields -> fields.length > MASK)
                .map(fields -> new HostRoute(fields[0], address(fields[DESTINATION]), address(fields[MASK])))
                .filter(route -> route.mask != 0)
                .toList();
    }

    boolean overlaps(AddressPlan plan) {
        int common = mask & plan.mask();
        return (base & common) == (plan.base() & common);
    }

    @Override
    public String toString() {
        return AddressPlan.text(base) + "/" + Integer.bitCount(mask) + " through " + link;
    }

    private static int address(String hexadecimal) {
        int number = Integer.parseUnsignedInt(hexadecimal, 16);
        return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? Integer.reverseBytes(number) : number;
    }
}

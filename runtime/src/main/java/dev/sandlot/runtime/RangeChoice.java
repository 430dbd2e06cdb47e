package dev.sandlot.runtime;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Chooses addresses and users that nobody on the machine has.
 *
 * @param taken what other Sandlots of the machine have
 * @param routes where the machine sends packets, without our own links
 */
record RangeChoice(List<Ranges> taken, List<HostRoute> routes) {
    private static final int PREFIX = 16;
    private static final long[] UID_STARTS = {0x7000_0000L, 0x1000_0000L};
    private static final long[] UID_ENDS = {0x8000_0000L, 0x6000_0000L};

    /**
     * The wanted range, or when null the first free one.
     *
     * @param before what the owner had, which it keeps when it still may
     */
    Ranges choose(String owner, @Nullable AddressPlan wanted, int slots, @Nullable Ranges before) throws IOException {
        AddressPlan addresses = wanted == null ? free(slots, before) : checked(wanted);
        if (slots > addresses.slots()) {
            throw new IOException(addresses.cidr() + " has no room for " + slots + " sandboxes");
        }
        return new Ranges(owner, addresses.cidr(), (int) users(slots, before), slots);
    }

    private AddressPlan checked(AddressPlan wanted) throws IOException {
        Optional<String> obstacle = obstacle(wanted);
        if (obstacle.isPresent()) {
            throw new IOException("the sandboxes' networks cannot be cut from " + wanted.cidr() + ": " + obstacle.get()
                    + " has addresses of it");
        }
        return wanted;
    }

    private AddressPlan free(int slots, @Nullable Ranges before) throws IOException {
        Stream<AddressPlan> first = before == null ? Stream.of() : Stream.of(before.addresses());
        return Stream.concat(first, candidates())
                .filter(plan -> slots <= plan.slots() && obstacle(plan).isEmpty())
                .findFirst()
                .orElseThrow(() -> new IOException(
                        "no private /16 that is free on this machine has room for " + slots + " sandboxes"));
    }

    private static Stream<AddressPlan> candidates() {
        Stream<String> tens = IntStream.rangeClosed(201, 254).mapToObj(i -> "10." + i);
        Stream<String> others = IntStream.rangeClosed(20, 31).mapToObj(i -> "172." + i);
        return Stream.concat(Stream.concat(tens, others), Stream.of("192.168"))
                .map(start -> AddressPlan.parse(start + ".0.0/" + PREFIX));
    }

    /** Who has addresses of a range. */
    private Optional<String> obstacle(AddressPlan plan) {
        Stream<String> owners = taken.stream()
                .filter(other -> other.addresses().overlaps(plan))
                .map(other -> "the Sandlot over " + other.owner());
        Stream<String> links =
                routes.stream().filter(route -> route.overlaps(plan)).map(route -> "the route " + route);
        return Stream.concat(owners, links).findFirst();
    }

    private long users(int slots, @Nullable Ranges before) throws IOException {
        long size = (long) slots * RuntimeConfig.UIDS_PER_SLOT;
        List<Long> starts = new ArrayList<>();
        if (before != null) {
            starts.add((long) before.uidBase());
        }
        starts.add(UID_STARTS[0]);
        taken.forEach(other -> starts.add(other.uidEnd()));
        starts.add(UID_STARTS[1]);
        return starts.stream()
                .filter(start -> isWithin(start, start + size))
                .filter(start -> taken.stream().noneMatch(other -> other.sharesUsers(start, start + size)))
                .findFirst()
                .orElseThrow(() -> new IOException("no " + slots + " ranges of 65536 users are free on this machine"));
    }

    private static boolean isWithin(long start, long end) {
        return IntStream.range(0, UID_STARTS.length).anyMatch(i -> start >= UID_STARTS[i] && end <= UID_ENDS[i]);
    }
}

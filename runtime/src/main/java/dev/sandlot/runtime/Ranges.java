package dev.sandlot.runtime;

import java.nio.file.Path;

/**
 * What one Sandlot has of its machine's addresses and users.
 *
 * @param owner its data directory
 * @param cidr range of the sandboxes' networks
 * @param uidBase first user number, 65536 for each slot
 * @param slots sandboxes at once, at most
 */
public record Ranges(String owner, String cidr, int uidBase, int slots) {
    public Ranges {
        if (slots > AddressPlan.parse(cidr).slots()) {
            throw new IllegalArgumentException(cidr + " has no room for " + slots + " sandboxes");
        }
    }

    /** The addresses, cut into slots. */
    public AddressPlan addresses() {
        return AddressPlan.parse(cidr);
    }

    boolean isOwnedBy(Path data) {
        return owner.equals(data.toString());
    }

    /** One after the last user number. */
    long uidEnd() {
        return uidBase + (long) slots * RuntimeConfig.UIDS_PER_SLOT;
    }

    boolean sharesUsers(long base, long end) {
        return base < uidEnd() && uidBase < end;
    }
}

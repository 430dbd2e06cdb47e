package dev.sandlot.envd;

import java.util.List;

/**
 * A user of a sandbox, as its {@code /etc/passwd} and {@code /etc/group} tell, or as Docker would have one that no
 * entry tells of.
 *
 * @param groups every group, the primary one first
 */
public record Account(String name, int uid, int gid, List<Integer> groups, String home, String shell) {
    public Account {
        groups = List.copyOf(groups);
    }

    /** Who has a number and nothing else. */
    static Account withoutEntry(int uid) {
        return new Account(Integer.toString(uid), uid, 0, List.of(0), "/", "/bin/sh");
    }

    /** The same user in one group alone. */
    Account withGroup(int group) {
        return new Account(name, uid, group, List.of(group), home, shell);
    }
}

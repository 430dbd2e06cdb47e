package dev.sandlot.envd;

import java.util.List;

/**
 * A user of a sandbox, as its {@code /etc/passwd} and {@code /etc/group} tell.
 *
 * @param groups every group, the primary one first
 */
public record Account(String name, int uid, int gid, List<Integer> groups, String home, String shell) {
    public Account {
        groups = List.copyOf(groups);
    }
}

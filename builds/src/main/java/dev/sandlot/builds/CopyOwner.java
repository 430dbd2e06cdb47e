package dev.sandlot.builds;

import dev.sandlot.envd.Account;
import dev.sandlot.envd.Accounts;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Who gets what a COPY step brings, as numbered in the sandbox (template-build.md 5.5): {@code user} is
 * {@code user:user}, or the user's own group where no group has the user's name.
 */
record CopyOwner(int uid, int gid) {
    private static final int LAST_ID = 65534;

    /** @throws BuildFailure when the sandbox does not know the user or group */
    static CopyOwner of(String owner, Accounts accounts) throws BuildFailure, IOException {
        String[] parts = owner.split(":", 2);
        String user = parts[0];
        String group = parts.length == 2 && !parts[1].isEmpty() ? parts[1] : "";
        OptionalInt number = number(user);
        if (number.isPresent()) {
            return new CopyOwner(number.getAsInt(), group.isEmpty() ? number.getAsInt() : gid(group, accounts));
        }
        Optional<Account> account = accounts.user(user);
        if (account.isEmpty()) {
            throw new BuildFailure(null, "the user '" + user + "' is not known to the sandbox");
        }
        int gid = group.isEmpty() ? accounts.group(user).orElse(account.get().gid()) : gid(group, accounts);
        return new CopyOwner(account.get().uid(), gid);
    }

    private static int gid(String group, Accounts accounts) throws BuildFailure, IOException {
        OptionalInt number = number(group);
        OptionalInt known = number.isPresent() ? number : accounts.group(group);
        if (known.isEmpty()) {
            throw new BuildFailure(null, "the group '" + group + "' is not known to the sandbox");
        }
        return known.getAsInt();
    }

    private static OptionalInt number(String text) {
        if (!text.matches("[0-9]{1,5}")) {
            return OptionalInt.empty();
        }
        int number = Integer.parseInt(text);
        return number <= LAST_ID ? OptionalInt.of(number) : OptionalInt.empty();
    }
}

package dev.sandlot.envd;

import dev.sandlot.linux.LinuxException;
import java.util.Optional;
import java.util.function.Supplier;

/** Who a REST request acts as, and what its paths mean for them (envd.md 2.3, 4.3). */
record RestCallers(Accounts accounts, Supplier<String> defaultUser, Supplier<String> defaultDirectory) {
    /** The acting user. */
    Account account(Optional<String> requested) throws RestException {
        Optional<String> named = requested.filter(text -> !text.isEmpty());
        String name = named.orElseGet(defaultUser);
        if (name.isEmpty()) {
            throw new RestException(400, "no username was given and there is no default user");
        }
        try {
            Optional<Account> account = named.isPresent() ? accounts.user(name) : accounts.ofTemplate(name);
            return account.orElseThrow(
                    () -> new RestException(401, "error looking up user '" + name + "': the sandbox has no such user"));
        } catch (LinuxException e) {
            throw new RestException(500, "error reading the users of the sandbox: " + e.getMessage(), e);
        }
    }

    String resolve(String path, Account user) throws RestException {
        try {
            return PathRules.resolve(path, user, defaultDirectory.get());
        } catch (PathRules.ForeignHome e) {
            throw new RestException(400, e.text(), e);
        }
    }
}

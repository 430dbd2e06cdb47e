package dev.sandlot.envd;

import dev.sandlot.linux.LinuxException;
import java.util.Optional;
import java.util.function.Supplier;

/** Who a REST request acts as, and what its paths mean for them (envd.md 2.3, 4.3). */
record RestCallers(Accounts accounts, Supplier<String> defaultUser, Supplier<String> defaultDirectory) {
    /** The name of the acting user. */
    String name(Optional<String> requested) throws RestException {
        String name = requested.filter(text -> !text.isEmpty()).orElseGet(defaultUser);
        if (name.isEmpty()) {
            throw new RestException(400, "no username was given and there is no default user");
        }
        return name;
    }

    Account account(String name) throws RestException {
        try {
            return accounts.user(name)
                    .orElseThrow(() -> new RestException(
                            401, "error looking up user '" + name + "': the sandbox has no such user"));
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

package dev.sandlot.envd;

import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.Headers;
import java.io.IOException;
import java.util.Optional;

/** Finds out who acts: the user a request names, or the default one (envd.md 2.3). */
final class ActingUser {
    private final Accounts accounts;
    private final EnvdSettings settings;
    private final FileCalls calls;

    ActingUser(Accounts accounts, EnvdSettings settings, FileCalls calls) {
        this.calls = calls;
        this.accounts = accounts;
        this.settings = settings;
    }

    /** The user for a call. */
    Account of(Headers request) throws ConnectException {
        Optional<String> named = BasicUser.named(request);
        if (named.isPresent()) {
            return account(named.get());
        }
        String name = settings.defaultUser()
                .orElseThrow(() ->
                        new ConnectException(ConnectCode.UNAUTHENTICATED, "no user was named and there is no default"));
        return account(name, () -> accounts.ofTemplate(name));
    }

    /** Refuses a request that names a user who does not exist. */
    void check(Headers request) throws ConnectException {
        Optional<String> named = BasicUser.named(request);
        if (named.isPresent()) {
            account(named.get());
        }
    }

    private Account account(String name) throws ConnectException {
        return account(name, () -> accounts.user(name));
    }

    private Account account(String name, FileCalls.Action<Optional<Account>> lookup) throws ConnectException {
        try {
            return calls.call(lookup)
                    .orElseThrow(() ->
                            new ConnectException(ConnectCode.UNAUTHENTICATED, "invalid username: '" + name + "'"));
        } catch (IOException e) {
            throw new ConnectException(
                    ConnectCode.INTERNAL, "could not look up user '" + name + "': " + e.getMessage(), e);
        }
    }
}

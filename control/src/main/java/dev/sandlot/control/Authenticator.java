package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Headers;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * Tells who calls (public-api.md 2). Of the schemes that an operation takes, those whose credential is there are
 * tried in the contract's order; a banned team's verdict wins over another scheme, else the first error is told.
 */
final class Authenticator {
    private final KeyScheme keys;
    private final Map<Access, List<Scheme>> schemes = new EnumMap<>(Access.class);

    /**
     * What authentication depends on.
     *
     * @param takesTokens whether the access tokens of older clients are taken
     */
    record Settings(Operators operators, IdentityProviders providers, boolean takesTokens) {}

    Authenticator(Store store, Settings settings, Executor background) {
        this.keys = new KeyScheme(store.teams(), background);
        PersonStore people = store.people();
        Scheme person = new PersonScheme(settings.providers(), people, false);
        Scheme member = new PersonScheme(settings.providers(), people, true);
        Scheme operator = new OperatorScheme(settings.operators(), null);
        Scheme operatorForTeam = new OperatorScheme(settings.operators(), store.teams());
        schemes.put(Access.TEAM, List.of(keys, member, operatorForTeam));
        schemes.put(Access.KEYS, List.of(member, operatorForTeam));
        schemes.put(Access.PERSON, List.of(person));
        schemes.put(Access.OPERATOR, List.of(operator));
        if (settings.takesTokens()) {
            Scheme token = new TokenScheme(people, false);
            Scheme tokenForTeam = new TokenScheme(people, true);
            schemes.put(Access.TEAM_OR_TOKEN, List.of(keys, tokenForTeam, member, operatorForTeam));
            schemes.put(Access.TOKEN, List.of(tokenForTeam, member));
            schemes.put(Access.USER, List.of(token, person));
        } else {
            schemes.put(Access.TEAM_OR_TOKEN, List.of(keys, member, operatorForTeam));
            schemes.put(Access.TOKEN, List.of(member));
            schemes.put(Access.USER, List.of(person));
        }
    }

    /** Drops what is remembered of a key, so that its next use looks it up anew. */
    void forgetKey(String hash) {
        keys.forget(hash);
    }

    /** Drops what is remembered of all callers. */
    void forgetAll() {
        keys.forgetAll();
    }

    /**
     * Checks again, after an operation failed because something was gone, that it was not the caller's team: then the
     * caller is told so, as any later request would be.
     */
    void recheck(Headers headers, Access access) throws ApiException {
        forgetAll();
        Caller _ = authenticate(headers, access);
    }

    /** Checks that the caller is one of those the operation is for. */
    Caller authenticate(Headers headers, Access access) throws ApiException {
        if (access == Access.OPEN) {
            return Caller.NOBODY;
        }
        ApiException first = null;
        for (Scheme scheme : schemes.getOrDefault(access, List.of())) {
            if (!scheme.isOffered(headers)) {
                continue;
            }
            try {
                return notBanned(scheme.check(headers));
            } catch (ApiException e) {
                if (e.kind() == ErrorKind.FORBIDDEN) {
                    throw e;
                }
                first = first == null ? e : first;
            }
        }
        throw first == null ? Scheme.refused("authorization header is missing") : first;
    }

    private static Caller notBanned(Caller caller) throws ApiException {
        Team team = caller.team();
        if (team != null) {
            team.standing().requireNotBanned();
        }
        return caller;
    }
}

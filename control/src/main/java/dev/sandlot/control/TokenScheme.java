package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.util.UUID;

/** The access tokens of older clients: a person, and the person's default team if the operation is for a team. */
final class TokenScheme implements Scheme {
    private final PersonStore people;
    private final boolean needsTeam;

    TokenScheme(PersonStore people, boolean needsTeam) {
        this.people = people;
        this.needsTeam = needsTeam;
    }

    @Override
    public boolean isOffered(Headers headers) {
        return headers.first(BEARER_HEADER)
                .filter(value -> value.startsWith(BEARER + PersonTokens.PREFIX))
                .isPresent();
    }

    @Override
    public Caller check(Headers headers) throws ApiException {
        String hash = PersonTokens.hashOf(Scheme.bearer(headers))
                .orElseThrow(() -> invalid("the token is not of hexadecimal digits"));
        UUID person = people.personOfToken(hash).orElseThrow(() -> invalid("nobody has this token"));
        return needsTeam ? new Caller(defaultTeam(person), person) : new Caller(null, person);
    }

    private Team defaultTeam(UUID person) throws ApiException {
        return people.memberships(person).stream()
                .filter(PersonStore.Membership::isDefault)
                .map(PersonStore.Membership::team)
                .findFirst()
                .orElseThrow(() -> invalid("you belong to no team"));
    }

    private static ApiException invalid(String cause) {
        return Scheme.refused("Invalid access token, try to log in again with `e2b auth login`.\n" + cause);
    }
}

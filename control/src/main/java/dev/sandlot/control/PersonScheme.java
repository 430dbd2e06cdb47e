package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.util.UUID;

/** Tokens of identity providers: who is asked for, and in which of their teams, if the operation is for a team. */
final class PersonScheme implements Scheme {
    static final String TEAM_HEADER = "X-Team-ID";

    private final IdentityProviders providers;
    private final PersonStore people;
    private final boolean needsTeam;

    PersonScheme(IdentityProviders providers, PersonStore people, boolean needsTeam) {
        this.providers = providers;
        this.people = people;
        this.needsTeam = needsTeam;
    }

    @Override
    public boolean isOffered(Headers headers) {
        return headers.has(BEARER_HEADER);
    }

    @Override
    public Caller check(Headers headers) throws ApiException {
        Identity identity = providers.verify(Scheme.bearer(headers));
        UUID person = people.personOf(identity);
        return needsTeam ? new Caller(team(headers, person), person) : new Caller(null, person);
    }

    private Team team(Headers headers, UUID person) throws ApiException {
        String id = headers.first(TEAM_HEADER).orElseThrow(() -> wrongTeam("the header X-Team-ID is missing"));
        UUID team = Uuids.parse(id).orElseThrow(() -> wrongTeam("it is not a UUID"));
        return people.teamOf(person, team).orElseThrow(() -> wrongTeam("you are no member of that team"));
    }

    private static ApiException wrongTeam(String cause) {
        return Scheme.refused("Invalid auth provider token teamID.\n" + cause);
    }
}

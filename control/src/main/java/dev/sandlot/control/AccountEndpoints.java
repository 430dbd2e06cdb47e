package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Teams, API keys and the access tokens of older clients (public-api.md 14). */
final class AccountEndpoints {
    private static final String LOGIN_KEY = "CLI login/configure";

    private final TeamKeys keys;
    private final PersonStore people;
    private final boolean legacy;

    /** @param legacy whether access tokens are served */
    AccountEndpoints(TeamKeys keys, PersonStore people, boolean legacy) {
        this.keys = keys;
        this.people = people;
        this.legacy = legacy;
    }

    private record TeamView(String teamID, String name, String apiKey, boolean isDefault) {}

    private record CreatedAccessToken(UUID id, String name, String token, KeyMask mask, String createdAt) {}

    List<Route> routes() {
        List<Route> routes = new ArrayList<>(List.of(
                new Route("GET", "/teams", Access.USER, true, this::teams),
                new Route("GET", "/api-keys", Access.KEYS, true, this::list),
                new Route("POST", "/api-keys", Access.KEYS, false, this::create),
                new Route("PATCH", "/api-keys/{apiKeyID}", Access.KEYS, false, this::rename),
                new Route("DELETE", "/api-keys/{apiKeyID}", Access.KEYS, true, this::delete)));
        if (legacy) {
            routes.add(new Route("POST", "/access-tokens", Access.PERSON, true, this::createToken));
            routes.add(new Route("DELETE", "/access-tokens/{accessTokenID}", Access.PERSON, true, this::deleteToken));
        }
        return routes;
    }

    /** Each call makes a key for each team, as only a new key can be told. */
    private Reply teams(Call call) {
        UUID person = call.person().orElseThrow();
        List<TeamView> teams = people.memberships(person).stream()
                .filter(membership -> !membership.team().standing().banned())
                .map(membership -> view(membership, person))
                .toList();
        return Reply.json(200, teams);
    }

    private TeamView view(PersonStore.Membership membership, UUID person) {
        Team team = membership.team();
        String key = keys.create(team.id(), LOGIN_KEY, Optional.of(person)).key();
        return new TeamView(team.id().toString(), team.name(), key, membership.isDefault());
    }

    private Reply list(Call call) {
        return Reply.json(200, keys.list(call.team().id()));
    }

    private Reply create(Call call) throws ApiException, IOException {
        String name = Names.required(call.body());
        return Reply.json(201, keys.create(call.team().id(), name, call.person()));
    }

    private Reply rename(Call call) throws ApiException, IOException {
        UUID id = call.uuid("apiKeyID", "API key ID");
        keys.rename(call.team().id(), id, Names.required(call.body()));
        return Reply.empty(202);
    }

    private Reply delete(Call call) throws ApiException {
        keys.delete(call.team().id(), call.uuid("apiKeyID", "API key ID"));
        return Reply.empty(204);
    }

    private Reply createToken(Call call) throws ApiException, IOException {
        String name = Names.required(call.body());
        ApiKeys.Minted token = PersonTokens.mint();
        UUID id = UUID.randomUUID();
        Instant createdAt =
                people.addToken(new PersonStore.StoredToken(id, call.person().orElseThrow(), name, token));
        KeyMask mask = KeyMask.of(PersonTokens.PREFIX, token);
        return Reply.json(201, new CreatedAccessToken(id, name, token.raw(), mask, Moments.text(createdAt)));
    }

    private Reply deleteToken(Call call) throws ApiException {
        UUID id = call.uuid("accessTokenID", "access token ID");
        if (!people.deleteToken(call.person().orElseThrow(), id)) {
            throw new ApiException(ErrorKind.NOT_FOUND, "id not found");
        }
        return Reply.empty(204);
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What operators do to people beyond the contract: make and delete them and their access tokens. The paths are our own. */
final class PeopleAdministration {
    private final PersonStore people;

    PeopleAdministration(PersonStore people) {
        this.people = people;
    }

    private record UserTeam(UUID teamID, String slug, boolean isDefault) {}

    private record UserIdentity(
            String issuer, String subject, @Nullable String email) {}

    private record UserView(UUID userID, @Nullable String email, List<UserIdentity> identities, List<UserTeam> teams) {}

    private record TokenView(UUID id, String name, KeyMask mask, String createdAt) {}

    private record CreatedToken(UUID id, String name, String token, KeyMask mask, String createdAt) {}

    List<Route> routes() {
        return List.of(
                Route.operator("GET", "/admin/users", this::list),
                Route.operator("POST", "/admin/users", this::create),
                Route.operator("DELETE", "/admin/users/{userID}", this::delete),
                Route.operator("GET", "/admin/users/{userID}/access-tokens", this::tokens),
                Route.operator("POST", "/admin/users/{userID}/access-tokens", this::createToken),
                Route.operator("DELETE", "/admin/users/{userID}/access-tokens/{accessTokenID}", this::deleteToken));
    }

    private UserView view(PersonStore.Person person) {
        List<UserTeam> teams = people.memberships(person.id()).stream()
                .map(membership ->
                        new UserTeam(membership.team().id(), membership.team().slug(), membership.isDefault()))
                .toList();
        List<UserIdentity> identities = people.identities(person.id()).stream()
                .map(identity -> new UserIdentity(identity.issuer(), identity.subject(), identity.email()))
                .toList();
        return new UserView(person.id(), person.email(), identities, teams);
    }

    private Reply list(Call call) {
        return Reply.json(200, people.people().stream().map(this::view).toList());
    }

    private Reply create(Call call) throws ApiException, IOException {
        String email = call.optionalBody().text("email").orElse(null);
        if (email != null && !MailAddress.isOne(email)) {
            throw new ApiException(ErrorKind.INVALID, "validation error: property \"email\" is not an address");
        }
        PersonStore.Person person = new PersonStore.Person(UUID.randomUUID(), email);
        if (!people.addPerson(person)) {
            throw new ApiException(ErrorKind.CONFLICT, "another user has the mail address " + email);
        }
        return Reply.json(201, view(person));
    }

    private PersonStore.Person person(Call call) throws ApiException {
        return people.person(call.uuid("userID", "user ID"))
                .orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "User not found"));
    }

    private Reply delete(Call call) throws ApiException {
        if (!people.deletePerson(person(call).id())) {
            throw new ApiException(ErrorKind.CONFLICT, "the user belongs to a team; take the user out of it first");
        }
        return Reply.empty(204);
    }

    private Reply tokens(Call call) throws ApiException {
        return Reply.json(
                200,
                people.tokens(person(call).id()).stream()
                        .map(token -> new TokenView(
                                token.id(),
                                token.name(),
                                token.mask(),
                                Moments.text(Instant.ofEpochMilli(token.createdAtMillis()))))
                        .toList());
    }

    private Reply createToken(Call call) throws ApiException, IOException {
        UUID person = person(call).id();
        String name = Names.required(call.body());
        ApiKeys.Minted token = PersonTokens.mint();
        UUID id = UUID.randomUUID();
        Instant createdAt = people.addToken(new PersonStore.StoredToken(id, person, name, token));
        KeyMask mask = KeyMask.of(PersonTokens.PREFIX, token);
        return Reply.json(201, new CreatedToken(id, name, token.raw(), mask, Moments.text(createdAt)));
    }

    private Reply deleteToken(Call call) throws ApiException {
        UUID person = person(call).id();
        if (!people.deleteToken(person, call.uuid("accessTokenID", "access token ID"))) {
            throw new ApiException(ErrorKind.NOT_FOUND, "Access token not found");
        }
        return Reply.empty(204);
    }
}

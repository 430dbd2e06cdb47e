package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.PushRights;
import java.util.Optional;
import java.util.UUID;

/** What the image registry asks about people, keys and builds (template-build.md 17.2). */
final class RegistryRights implements PushRights {
    private final Store store;
    private final Authenticator authenticator;
    private final boolean takesTokens;

    RegistryRights(Store store, Authenticator authenticator, boolean takesTokens) {
        this.store = store;
        this.authenticator = authenticator;
        this.takesTokens = takesTokens;
    }

    @Override
    public Optional<UUID> personOf(String accessToken) {
        return takesTokens && accessToken.startsWith(PersonTokens.PREFIX)
                ? PersonTokens.hashOf(accessToken).flatMap(store.people()::personOfToken)
                : Optional.empty();
    }

    @Override
    public boolean ownsWaitingBuild(UUID person, String templateId) {
        Optional<UUID> owner = store.templates().byId(templateId).map(Template::teamId);
        Optional<Team> team = owner.flatMap(id -> store.people().teamOf(person, id));
        return team.isPresent()
                && !team.get().standing().banned()
                && !team.get().standing().blocked()
                && store.templates().builds(templateId).stream()
                        .anyMatch(build -> build.status() == BuildStatus.WAITING);
    }

    @Override
    public Optional<KeyHolder> holderOf(String apiKey) {
        return caller(new Headers().set("X-API-Key", apiKey), Access.TEAM)
                .flatMap(caller -> Optional.ofNullable(caller.team()))
                .map(team -> new KeyHolder(team.slug(), !team.standing().blocked()));
    }

    @Override
    public boolean isOperator(String secret) {
        return caller(new Headers().set("X-Admin-Token", secret), Access.OPERATOR)
                .isPresent();
    }

    private Optional<Caller> caller(Headers headers, Access access) {
        try {
            return Optional.of(authenticator.authenticate(headers, access));
        } catch (ApiException refused) {
            return Optional.empty();
        }
    }
}

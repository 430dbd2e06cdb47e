package dev.sandlot.control;

import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Makes what a fresh server needs before anyone can call it: a tier, a team, its owner and a first key. */
public final class Bootstrap {
    private static final String TIER = "local";
    private static final String SLUG = "local";
    private static final String TEAM_NAME = "Local";

    private final TeamStore teams;

    public Bootstrap(Store store) {
        this.teams = store.teams();
    }

    /**
     * Makes the default team if it is missing and gives its tier the limits of the settings. May be called at
     * every start.
     *
     * @return the team's first key, which is shown this once; empty when the team has a key already
     */
    public Optional<String> ensureDefaultTeam(ControlSettings settings) {
        Team.Limits limits = new Team.Limits(settings.concurrentSandboxes(), settings.maxLengthHours());
        teams.putTier(new TeamStore.Tier(TIER, limits));
        teams.ensureTeam(new TeamStore.NewTeam(UUID.randomUUID(), TEAM_NAME, SLUG, TIER, UUID.randomUUID()));
        ApiKeys.Minted key = ApiKeys.mint();
        return teams.addFirstKey(stored("first key", key)) ? Optional.of(key.raw()) : Optional.empty();
    }

    /**
     * Gives the default team one more key, as when the first was lost. It takes the place of those of the same name.
     *
     * @param name what lists of keys show
     * @return the key, which is shown this once
     */
    public String issueKey(String name) {
        UUID team = defaultTeamId();
        List<UUID> former = teams.keys(team).stream()
                .filter(key -> key.name().equals(name))
                .map(TeamStore.ListedKey::id)
                .toList();
        ApiKeys.Minted key = ApiKeys.mint();
        teams.addKey(stored(name, key));
        former.forEach(id -> teams.deleteKey(team, id));
        return key.raw();
    }

    /** Whether that text is a key of the default team in this store. */
    public boolean isKeyOfDefaultTeam(String key) {
        return key.startsWith(ApiKeys.PREFIX)
                && ApiKeys.hashOf(key)
                        .flatMap(teams::byKeyHash)
                        .filter(team -> team.slug().equals(SLUG))
                        .isPresent();
    }

    /** The team that {@link #ensureDefaultTeam} made. */
    public UUID defaultTeamId() {
        return teams.bySlug(SLUG)
                .orElseThrow(() -> new IllegalStateException("the default team has not been made"))
                .id();
    }

    private TeamStore.StoredKey stored(String name, ApiKeys.Minted key) {
        return new TeamStore.StoredKey(UUID.randomUUID(), defaultTeamId(), name, key);
    }
}

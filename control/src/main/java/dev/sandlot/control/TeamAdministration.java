package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.text.Normalizer;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What operators do to teams beyond the contract: make, change and delete them, their bans, blocks, limits, members
 * and keys. The paths are our own.
 */
final class TeamAdministration {
    private static final Pattern SLUG = Pattern.compile("[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?");
    private static final Pattern EDGES = Pattern.compile("^[_-]+|[_-]+$");
    private static final Pattern TIER = Pattern.compile("[a-z0-9_.-]{1,64}");
    private static final String FIRST_TIER = "base_v1";
    private static final int LONGEST_SLUG_OF_NAME = 48;
    private static final int LONGEST_REASON = 1000;
    private static final int SLUG_ATTEMPTS = 10;

    private final TeamStore teams;
    private final PersonStore people;
    private final TeamKeys keys;
    private final Authenticator authenticator;
    private final ReentrantLock changing = new ReentrantLock();

    TeamAdministration(Store store, TeamKeys keys, Authenticator authenticator) {
        this.teams = store.teams();
        this.people = store.people();
        this.keys = keys;
        this.authenticator = authenticator;
    }

    private record TeamView(
            UUID teamID,
            String projectID,
            String name,
            String slug,
            String tier,
            boolean isBanned,
            boolean isBlocked,
            @Nullable String blockedReason,
            String createdAt,
            LimitsView limits,
            LimitsView overrides) {}

    private record TierView(String id, LimitsView limits) {}

    private record MemberView(UUID userID, @Nullable String email, boolean isDefault) {}

    List<Route> routes() {
        return List.of(
                Route.operator("GET", "/admin/teams", this::list),
                Route.operator("POST", "/admin/teams", this::create),
                Route.operator("GET", "/admin/teams/{teamID}", call -> Reply.json(200, view(team(call)))),
                Route.operator("PATCH", "/admin/teams/{teamID}", this::change),
                Route.operator("DELETE", "/admin/teams/{teamID}", this::delete),
                Route.operator("PUT", "/admin/teams/{teamID}/limits", this::limit),
                Route.operator("GET", "/admin/teams/{teamID}/members", this::members),
                Route.operator("PUT", "/admin/teams/{teamID}/members/{userID}", this::addMember),
                Route.operator("DELETE", "/admin/teams/{teamID}/members/{userID}", this::removeMember),
                Route.operator("GET", "/admin/teams/{teamID}/api-keys", this::keys),
                Route.operator("GET", "/admin/tiers", this::tiers),
                Route.operator("PUT", "/admin/tiers/{tierID}", this::putTier));
    }

    private TeamStore.ListedTeam team(Call call) throws ApiException {
        return teams.listed(ProjectIds.required(call.parameter("teamID")))
                .orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "Team not found"));
    }

    private static TeamView view(TeamStore.ListedTeam listed) {
        Team team = listed.team();
        Team.Standing standing = team.standing();
        return new TeamView(
                team.id(),
                ProjectIds.text(team.id()),
                team.name(),
                team.slug(),
                listed.tier(),
                standing.banned(),
                standing.blocked(),
                standing.blockedReason(),
                Moments.text(listed.createdAt()),
                LimitsView.of(team.limits()),
                LimitsView.of(listed.overrides()));
    }

    private Reply list(Call call) {
        return Reply.json(
                200, teams.listed().stream().map(TeamAdministration::view).toList());
    }

    private Reply create(Call call) throws ApiException, IOException {
        Fields body = call.body();
        String name = Names.required(body);
        Optional<String> slug = body.text("slug");
        String tier = knownTier(body.text("tier").orElse(FIRST_TIER));
        UUID id = UUID.randomUUID();
        boolean made = slug.isPresent() ? teams.addTeam(id, name, slug(slug.get()), tier) : addTeam(id, name, tier);
        if (!made) {
            throw new ApiException(ErrorKind.CONFLICT, "the slug is taken");
        }
        return Reply.json(201, view(teams.listed(id).orElseThrow()));
    }

    /** Under a slug out of the name, with some characters more while that is taken (public-api.md 22). */
    private boolean addTeam(UUID id, String name, String tier) {
        String base = slugOf(name);
        String slug = base;
        for (int tried = 0; tried < SLUG_ATTEMPTS; tried++) {
            if (teams.addTeam(id, name, slug, tier)) {
                return true;
            }
            slug = base + "-" + "%04x".formatted(ThreadLocalRandom.current().nextInt(1 << 16));
        }
        return false;
    }

    private static String slugOf(String name) {
        String unaccented = Normalizer.normalize(name.split("@", 2)[0], Normalizer.Form.NFD);
        String plain = unaccented.toLowerCase(Locale.ROOT).replace(' ', '-').replaceAll("[^a-z0-9_-]", "");
        String begun = EDGES.matcher(plain).replaceAll("");
        String bounded = begun.substring(0, Math.min(begun.length(), LONGEST_SLUG_OF_NAME));
        String slug = EDGES.matcher(bounded).replaceAll("");
        return slug.isEmpty() ? "team" : slug;
    }

    private static String slug(String text) throws ApiException {
        if (!SLUG.matcher(text).matches()) {
            throw invalid("slug", "must be 1 to 64 of a-z, 0-9, - and _, with a letter or digit at both ends");
        }
        return text;
    }

    private static ApiException invalid(String name, String problem) {
        return new ApiException(ErrorKind.INVALID, "validation error: property \"" + name + "\" " + problem);
    }

    private String knownTier(String id) throws ApiException {
        if (teams.tiers().stream().noneMatch(tier -> tier.id().equals(id))) {
            throw invalid("tier", "names no tier that there is");
        }
        return id;
    }

    /** One at a time, for what is absent stays: two changes at once could undo each other, a ban among them. */
    private Reply change(Call call) throws ApiException, IOException {
        Fields body = call.body();
        changing.lock();
        try {
            return change(call, body);
        } finally {
            changing.unlock();
        }
    }

    /** What is absent stays; a block without a reason drops the old one. */
    private Reply change(Call call, Fields body) throws ApiException {
        TeamStore.ListedTeam listed = team(call);
        Team team = listed.team();
        Optional<String> name = body.text("name");
        Optional<String> tier = body.text("tier");
        Optional<String> reason = body.text("blockedReason");
        Optional<Boolean> blocked = body.bool("isBlocked");
        boolean banned = body.bool("isBanned").orElse(team.standing().banned());
        String newName = name.isPresent() ? Names.checked("name", name.get(), Names.LONGEST) : team.name();
        String newTier = tier.isPresent() ? knownTier(tier.get()) : listed.tier();
        Team.Standing standing = reason.isPresent() || blocked.isPresent()
                ? standing(banned, blocked.orElse(team.standing().blocked()), reason)
                : new Team.Standing(
                        banned, team.standing().blocked(), team.standing().blockedReason());
        teams.changeTeam(team.id(), newName, newTier);
        teams.setStanding(team.id(), standing);
        authenticator.forgetAll();
        return Reply.json(200, view(teams.listed(team.id()).orElseThrow()));
    }

    private static Team.Standing standing(boolean banned, boolean blocked, Optional<String> reason)
            throws ApiException {
        if (!blocked && reason.isPresent()) {
            throw invalid("blockedReason", "is of a block that there is not");
        }
        return new Team.Standing(
                banned,
                blocked,
                reason.isPresent() ? Names.checked("blockedReason", reason.get(), LONGEST_REASON) : null);
    }

    private Reply delete(Call call) throws ApiException {
        Team team = team(call).team();
        if (!teams.deleteTeam(team.id())) {
            throw new ApiException(
                    ErrorKind.CONFLICT, "the team has sandboxes, or has or had templates; ban it instead");
        }
        authenticator.forgetAll();
        return Reply.empty(204);
    }

    /** Stands in the place of what was set before: what is absent follows the tier again. */
    private Reply limit(Call call) throws ApiException, IOException {
        Team team = team(call).team();
        teams.putOverrides(team.id(), LimitsView.read(call.body()));
        authenticator.forgetAll();
        return Reply.json(200, view(teams.listed(team.id()).orElseThrow()));
    }

    private Reply members(Call call) throws ApiException {
        return Reply.json(
                200,
                people.members(team(call).team().id()).stream()
                        .map(member -> new MemberView(
                                member.person().id(), member.person().email(), member.isDefault()))
                        .toList());
    }

    private Reply addMember(Call call) throws ApiException {
        UUID team = team(call).team().id();
        UUID user = call.uuid("userID", "user ID");
        if (people.person(user).isEmpty()) {
            throw new ApiException(ErrorKind.NOT_FOUND, "User not found");
        }
        return Reply.empty(people.addMember(team, user) ? 201 : 204);
    }

    private Reply removeMember(Call call) throws ApiException {
        UUID team = team(call).team().id();
        if (!people.removeMember(team, call.uuid("userID", "user ID"))) {
            throw new ApiException(ErrorKind.NOT_FOUND, "the user is no member of the team");
        }
        return Reply.empty(204);
    }

    private Reply keys(Call call) throws ApiException {
        return Reply.json(200, keys.list(team(call).team().id()));
    }

    private Reply tiers(Call call) {
        return Reply.json(
                200,
                teams.tiers().stream()
                        .map(tier -> new TierView(tier.id(), LimitsView.of(tier.limits())))
                        .toList());
    }

    /** What is absent stays, or is as in the contract's first tier when the tier is new. */
    private Reply putTier(Call call) throws ApiException, IOException {
        String id = call.parameter("tierID");
        if (!TIER.matcher(id).matches()) {
            throw new ApiException(ErrorKind.INVALID, "Invalid tier ID");
        }
        Optional<TeamStore.Tier> old =
                teams.tiers().stream().filter(tier -> tier.id().equals(id)).findFirst();
        Team.Limits base = old.map(TeamStore.Tier::limits).orElse(new Team.Limits(20, 1));
        TeamStore.Tier tier = new TeamStore.Tier(id, LimitsView.merged(base, LimitsView.read(call.body())));
        teams.putTier(tier);
        authenticator.forgetAll();
        return Reply.json(old.isPresent() ? 200 : 201, new TierView(id, LimitsView.of(tier.limits())));
    }
}

package dev.sandlot.control;

import dev.sandlot.control.TeamStore.Addon;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What operators add to the limits of a team's tier, for a time or for ever (public-api.md 22). The paths are our own. */
final class TeamAddons {
    private static final int LARGEST = 1_000_000;
    private static final int MOST = 100;

    private final TeamStore teams;
    private final Authenticator authenticator;
    private final InstantSource clock;

    TeamAddons(TeamStore teams, Authenticator authenticator, InstantSource clock) {
        this.teams = teams;
        this.authenticator = authenticator;
        this.clock = clock;
    }

    private record AddonView(
            UUID addonID,
            String name,
            int extraConcurrentSandboxes,
            int extraConcurrentBuilds,
            int extraMaxVcpu,
            int extraMaxRamMb,
            int extraMaxDiskMb,
            String validFrom,
            @Nullable String validTo,
            boolean isValid) {}

    List<Route> routes() {
        return List.of(
                Route.operator("GET", "/admin/teams/{teamID}/addons", this::list),
                Route.operator("POST", "/admin/teams/{teamID}/addons", this::add),
                Route.operator("DELETE", "/admin/teams/{teamID}/addons/{addonID}", this::remove));
    }

    private UUID team(Call call) throws ApiException {
        return teams.required(ProjectIds.required(call.parameter("teamID"))).id();
    }

    private AddonView view(Addon addon) {
        Instant now = clock.instant();
        Instant end = addon.validTo();
        return new AddonView(
                addon.id(),
                addon.name(),
                addon.extraSandboxes(),
                addon.extraBuilds(),
                addon.extraVcpu(),
                addon.extraRamMb(),
                addon.extraDiskMb(),
                Moments.text(addon.validFrom()),
                end == null ? null : Moments.text(end),
                !now.isBefore(addon.validFrom()) && (end == null || now.isBefore(end)));
    }

    private Reply list(Call call) throws ApiException {
        return Reply.json(200, teams.addons(team(call)).stream().map(this::view).toList());
    }

    private Reply add(Call call) throws ApiException, IOException {
        UUID team = team(call);
        Addon addon = read(team, call.body());
        if (teams.addons(team).size() >= MOST) {
            throw new ApiException(ErrorKind.CONFLICT, "the team has " + MOST + " addons; remove one first");
        }
        teams.addAddon(addon);
        authenticator.forgetAll();
        return Reply.json(201, view(addon));
    }

    private Addon read(UUID team, Fields body) throws ApiException {
        Instant from = moment(body, "validFrom").orElse(Moments.now(clock));
        Addon addon = new Addon(
                UUID.randomUUID(),
                team,
                Names.required(body),
                extra(body, "extraConcurrentSandboxes"),
                extra(body, "extraConcurrentBuilds"),
                extra(body, "extraMaxVcpu"),
                extra(body, "extraMaxRamMb"),
                extra(body, "extraMaxDiskMb"),
                from,
                moment(body, "validTo").orElse(null));
        Instant end = addon.validTo();
        if (end != null && !end.isAfter(from)) {
            throw invalid("validTo", "must be after its beginning");
        }
        if (!addon.addsAnything()) {
            throw new ApiException(ErrorKind.INVALID, "validation error: an addon must add to at least one limit");
        }
        return addon;
    }

    private static int extra(Fields body, String property) throws ApiException {
        int extra = body.int32(property, 0).orElse(0);
        if (extra > LARGEST) {
            throw invalid(property, "must be at most " + LARGEST);
        }
        return extra;
    }

    /** A moment as RFC 3339 writes it, of this era. */
    private static Optional<Instant> moment(Fields body, String property) throws ApiException {
        Optional<String> text = body.text(property);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            OffsetDateTime moment = OffsetDateTime.parse(text.get());
            if (moment.getYear() < 1970 || moment.getYear() > 9999) {
                throw invalid(property, "is not of the years 1970 to 9999");
            }
            return Optional.of(Instant.ofEpochMilli(moment.toInstant().toEpochMilli()));
        } catch (DateTimeException e) {
            throw invalid(property, "is not a moment such as 2027-01-31T00:00:00Z");
        }
    }

    private Reply remove(Call call) throws ApiException {
        UUID team = team(call);
        if (!teams.deleteAddon(team, call.uuid("addonID", "addon ID"))) {
            throw new ApiException(ErrorKind.NOT_FOUND, "Addon not found");
        }
        authenticator.forgetAll();
        return Reply.empty(204);
    }

    private static ApiException invalid(String property, String problem) {
        return new ApiException(ErrorKind.INVALID, "validation error: property \"" + property + "\" " + problem);
    }
}

package dev.sandlot.app;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Teams: who owns sandboxes. */
@Command(
        name = "team",
        description = "Make, list, change and delete teams. A team is named by its slug or ID.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class TeamCommand extends AdminGroup {
    private static final String[] ALL = {
        "teamID",
        "projectID",
        "name",
        "slug",
        "tier",
        "isBanned",
        "isBlocked",
        "blockedReason",
        "createdAt",
        "limits/concurrentSandboxes",
        "limits/maxLengthHours",
        "limits/maxVcpu",
        "limits/maxRamMb",
        "limits/concurrentBuilds",
        "limits/eventsTtlDays",
        "limits/defaultFreeDiskMb",
        "limits/maxDiskMb",
        "overrides"
    };

    private final Surroundings surroundings;

    TeamCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(name = "list", description = "List all teams.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.get("/admin/teams"),
                "slug",
                "teamID",
                "name",
                "tier",
                "isBanned",
                "isBlocked",
                "limits/concurrentSandboxes",
                "limits/maxLengthHours");
    }

    @Command(name = "show", description = "Tell all of a team.", mixinStandardHelpOptions = true)
    int show(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.get(AdminApi.path("admin", "teams", AdminOptions.team(api, team))), ALL);
    }

    @Command(name = "create", description = "Make a team.", mixinStandardHelpOptions = true)
    int create(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "NAME") String name,
            @Option(names = "--slug", description = "Its short name (default: made from the name).") @Nullable String slug,
            @Option(names = "--tier", description = "Its tier (default: base_v1).") @Nullable String tier)
            throws IOException, InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>(Map.of("name", name));
        put(body, "slug", slug);
        put(body, "tier", tier);
        return options.show(surroundings, api -> api.call("POST", "/admin/teams", body), ALL);
    }

    @Command(name = "change", description = "Change the name or the tier of a team.", mixinStandardHelpOptions = true)
    int change(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Option(names = "--name", description = "Its new name.") @Nullable String name,
            @Option(names = "--tier", description = "Its new tier.") @Nullable String tier)
            throws IOException, InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>();
        put(body, "name", name);
        put(body, "tier", tier);
        return patch(options, team, body);
    }

    @Command(
            name = "delete",
            description = "Delete a team that has no sandboxes and never had a template.",
            mixinStandardHelpOptions = true)
    int delete(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.delete(AdminApi.path("admin", "teams", AdminOptions.team(api, team))));
    }

    @Command(name = "ban", description = "Refuse the team everything.", mixinStandardHelpOptions = true)
    int ban(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return patch(options, team, Map.of("isBanned", true));
    }

    @Command(name = "unban", description = "Take a ban back.", mixinStandardHelpOptions = true)
    int unban(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return patch(options, team, Map.of("isBanned", false));
    }

    @Command(
            name = "block",
            description = "Let the team read and clean up, and nothing else.",
            mixinStandardHelpOptions = true)
    int block(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Option(names = "--reason", description = "What the team is told.") @Nullable String reason)
            throws IOException, InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>(Map.of("isBlocked", true));
        put(body, "blockedReason", reason);
        return patch(options, team, body);
    }

    @Command(name = "unblock", description = "Take a block back.", mixinStandardHelpOptions = true)
    int unblock(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return patch(options, team, Map.of("isBlocked", false));
    }

    @Command(
            name = "limits",
            description = "Set limits of one team in place of its tier's: those that are told, and only those.",
            mixinStandardHelpOptions = true,
            footer = {"", "-1 lifts a limit. Without any the team follows its tier again."})
    int limits(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team, @Mixin LimitOptions limits)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.call(
                        "PUT", AdminApi.path("admin", "teams", AdminOptions.team(api, team), "limits"), limits.told()),
                ALL);
    }

    @Command(name = "kill", description = "End all sandboxes of a team.", mixinStandardHelpOptions = true)
    int kill(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.call(
                        "POST",
                        AdminApi.path("admin", "teams", AdminOptions.team(api, team), "sandboxes", "kill"),
                        null),
                "killedCount",
                "failedCount");
    }

    private int patch(AdminOptions options, String team, Map<String, Object> body)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.call("PATCH", AdminApi.path("admin", "teams", AdminOptions.team(api, team)), body),
                ALL);
    }
}

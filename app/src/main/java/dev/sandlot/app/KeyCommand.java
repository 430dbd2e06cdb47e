package dev.sandlot.app;

import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The API keys of teams. */
@Command(
        name = "key",
        description = "Make, list and delete the API keys of a team.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class KeyCommand extends AdminGroup {
    private final Surroundings surroundings;

    KeyCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    private static String path(AdminApi api, String team) throws IOException, InterruptedException {
        return AdminApi.path("admin", "teams", AdminOptions.team(api, team), "api-keys");
    }

    @Command(name = "list", description = "List the keys of a team, masked.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.get(path(api, team)),
                "id",
                "name",
                "mask/maskedValuePrefix",
                "mask/maskedValueSuffix",
                "createdAt",
                "lastUsed");
    }

    @Command(name = "create", description = "Make a key; it is shown this once.", mixinStandardHelpOptions = true)
    int create(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Parameters(paramLabel = "NAME") String name)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.call("POST", path(api, team), Map.of("name", name)), "id", "name", "key");
    }

    @Command(name = "delete", description = "Delete a key, with effect at once.", mixinStandardHelpOptions = true)
    int delete(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Parameters(paramLabel = "KEY_ID") String key)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.delete(path(api, team) + AdminApi.path(key)));
    }
}

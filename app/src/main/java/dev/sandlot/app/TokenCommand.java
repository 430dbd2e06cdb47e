package dev.sandlot.app;

import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The access tokens of people, for older clients. */
@Command(
        name = "token",
        description = "Make, list and delete the access tokens of a person, for older clients.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class TokenCommand extends AdminGroup {
    private final Surroundings surroundings;

    TokenCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    private static String path(AdminApi api, String user) throws IOException, InterruptedException {
        return AdminApi.path("admin", "users", AdminOptions.user(api, user), "access-tokens");
    }

    @Command(name = "list", description = "List the tokens of a person, masked.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options, @Parameters(paramLabel = "USER") String user)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.get(path(api, user)),
                "id",
                "name",
                "mask/maskedValuePrefix",
                "mask/maskedValueSuffix",
                "createdAt");
    }

    @Command(name = "create", description = "Make a token; it is shown this once.", mixinStandardHelpOptions = true)
    int create(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "USER") String user,
            @Parameters(paramLabel = "NAME") String name)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.call("POST", path(api, user), Map.of("name", name)), "id", "name", "token");
    }

    @Command(name = "delete", description = "Delete a token, with effect at once.", mixinStandardHelpOptions = true)
    int delete(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "USER") String user,
            @Parameters(paramLabel = "TOKEN_ID") String token)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.delete(path(api, user) + AdminApi.path(token)));
    }
}

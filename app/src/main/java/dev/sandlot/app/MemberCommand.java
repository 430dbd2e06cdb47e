package dev.sandlot.app;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Who belongs to which team. */
@Command(
        name = "member",
        description = "List, add and remove the members of a team.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class MemberCommand extends AdminGroup {
    private final Surroundings surroundings;

    MemberCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    private static String path(AdminApi api, String team) throws IOException, InterruptedException {
        return AdminApi.path("admin", "teams", AdminOptions.team(api, team), "members");
    }

    @Command(name = "list", description = "List who belongs to a team.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get(path(api, team)), "userID", "email", "isDefault");
    }

    @Command(name = "add", description = "Put a person into a team.", mixinStandardHelpOptions = true)
    int add(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Parameters(paramLabel = "USER") String user)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.call("PUT", path(api, team) + AdminApi.path(AdminOptions.user(api, user)), null));
    }

    @Command(name = "remove", description = "Take a person out of a team.", mixinStandardHelpOptions = true)
    int remove(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Parameters(paramLabel = "USER") String user)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.delete(path(api, team) + AdminApi.path(AdminOptions.user(api, user))));
    }
}

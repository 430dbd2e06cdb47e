package dev.sandlot.app;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** People. */
@Command(
        name = "user",
        description = "Make, list and delete people. A user is named by ID or mail address.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class UserCommand extends AdminGroup {
    private final Surroundings surroundings;

    UserCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(name = "list", description = "List all people and their teams.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get("/admin/users"), "userID", "email", "identities", "teams");
    }

    @Command(name = "create", description = "Make a person.", mixinStandardHelpOptions = true)
    int create(
            @Mixin AdminOptions options,
            @Option(names = "--email", description = "The person's mail address.") @Nullable String email)
            throws IOException, InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>();
        put(body, "email", email);
        return options.show(surroundings, api -> api.call("POST", "/admin/users", body), "userID", "email");
    }

    @Command(name = "delete", description = "Delete a person who belongs to no team.", mixinStandardHelpOptions = true)
    int delete(@Mixin AdminOptions options, @Parameters(paramLabel = "USER") String user)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.delete(AdminApi.path("admin", "users", AdminOptions.user(api, user))));
    }
}

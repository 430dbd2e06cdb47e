package dev.sandlot.app;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The sandboxes of all teams. */
@Command(
        name = "sandbox",
        description = "List and end the sandboxes of all teams.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class SandboxCommand extends AdminGroup {
    private final Surroundings surroundings;

    SandboxCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(name = "list", description = "List all that run, the newest first.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.get("/admin/sandboxes"),
                "sandboxID",
                "teamID",
                "alias",
                "cpuCount",
                "memoryMB",
                "startedAt",
                "endAt");
    }

    @Command(name = "show", description = "Tell whose a sandbox is or was.", mixinStandardHelpOptions = true)
    int show(@Mixin AdminOptions options, @Parameters(paramLabel = "SANDBOX") String sandbox)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.get(AdminApi.path("admin", "sandboxes", sandbox)),
                "sandboxID",
                "teamID",
                "state");
    }

    @Command(name = "kill", description = "End a sandbox.", mixinStandardHelpOptions = true)
    int kill(@Mixin AdminOptions options, @Parameters(paramLabel = "SANDBOX") String sandbox)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.delete(AdminApi.path("admin", "sandboxes", sandbox)));
    }
}

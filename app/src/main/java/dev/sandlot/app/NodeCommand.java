package dev.sandlot.app;

import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The machines that run sandboxes. */
@Command(
        name = "node",
        description = "List nodes, and say whether they take new sandboxes.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class NodeCommand extends AdminGroup {
    private final Surroundings surroundings;

    NodeCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(name = "list", description = "List all nodes with their load.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.get("/nodes"),
                "id",
                "status",
                "sandboxCount",
                "maxSandboxes",
                "createFails",
                "metrics/cpuPercent",
                "metrics/memoryUsedBytes",
                "metrics/memoryTotalBytes",
                "version");
    }

    @Command(
            name = "set",
            description = "Make a node ready, draining (takes no new sandboxes, then stops) or standby.",
            mixinStandardHelpOptions = true)
    int set(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "NODE") String node,
            @Parameters(paramLabel = "ready|draining|standby") String status)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.call("POST", AdminApi.path("nodes", node), Map.of("status", status)));
    }
}

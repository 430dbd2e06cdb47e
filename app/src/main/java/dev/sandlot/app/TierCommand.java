package dev.sandlot.app;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Tiers: limits under a name. */
@Command(
        name = "tier",
        description = "List, make and change tiers: limits that teams share.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        footer = {"", "The tier `local` follows the settings: `up` sets its sandboxes and hours anew."})
final class TierCommand extends AdminGroup {
    private static final String[] ALL = {
        "id",
        "limits/concurrentSandboxes",
        "limits/maxLengthHours",
        "limits/maxVcpu",
        "limits/maxRamMb",
        "limits/concurrentBuilds",
        "limits/eventsTtlDays",
        "limits/defaultFreeDiskMb",
        "limits/maxDiskMb"
    };

    private final Surroundings surroundings;

    TierCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(name = "list", description = "List all tiers.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get("/admin/tiers"), ALL);
    }

    @Command(
            name = "set",
            description = "Make a tier, or change those of its limits that are told.",
            mixinStandardHelpOptions = true)
    int set(@Mixin AdminOptions options, @Parameters(paramLabel = "TIER") String tier, @Mixin LimitOptions limits)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> api.call("PUT", AdminApi.path("admin", "tiers", tier), limits.told()), ALL);
    }
}

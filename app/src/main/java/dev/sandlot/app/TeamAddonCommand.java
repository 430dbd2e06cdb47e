package dev.sandlot.app;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is added to the limits of a team's tier. */
@Command(
        name = "addon",
        description = "Add to the limits that a team has from its tier, for a time or for ever.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        footer = {"", "A limit that was set for the team itself (`team limits`) stays as it is."})
final class TeamAddonCommand extends AdminGroup {
    private static final String[] ALL = {
        "addonID",
        "name",
        "extraConcurrentSandboxes",
        "extraConcurrentBuilds",
        "extraMaxVcpu",
        "extraMaxRamMb",
        "extraMaxDiskMb",
        "validFrom",
        "validTo",
        "isValid"
    };

    private final Surroundings surroundings;

    TeamAddonCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    private static String path(AdminApi api, String team) throws IOException, InterruptedException {
        return AdminApi.path("admin", "teams", AdminOptions.team(api, team), "addons");
    }

    @Command(name = "list", description = "List the addons of a team.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options, @Parameters(paramLabel = "TEAM") String team)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get(path(api, team)), ALL);
    }

    /** What an addon adds, and when. */
    static final class Extras {
        @Option(names = "--sandboxes", paramLabel = "N", description = "More sandboxes at once.")
        private @Nullable Integer sandboxes;

        @Option(names = "--builds", paramLabel = "N", description = "More template builds at once.")
        private @Nullable Integer builds;

        @Option(names = "--vcpu", paramLabel = "N", description = "More processors of a template.")
        private @Nullable Integer vcpu;

        @Option(names = "--ram-mb", paramLabel = "N", description = "More memory of a template in MiB.")
        private @Nullable Integer ramMb;

        @Option(names = "--disk-mb", paramLabel = "N", description = "A larger largest disk in MiB.")
        private @Nullable Integer diskMb;

        @Option(names = "--from", paramLabel = "TIME", description = "When it begins (default: now).")
        private @Nullable String from;

        @Option(
                names = "--until",
                paramLabel = "TIME",
                description = "When it ends, such as 2027-01-31T00:00:00Z (default: never).")
        private @Nullable String until;

        private Map<String, Object> told(String name) {
            Map<String, Object> told = new LinkedHashMap<>(Map.of("name", name));
            put(told, "extraConcurrentSandboxes", sandboxes);
            put(told, "extraConcurrentBuilds", builds);
            put(told, "extraMaxVcpu", vcpu);
            put(told, "extraMaxRamMb", ramMb);
            put(told, "extraMaxDiskMb", diskMb);
            put(told, "validFrom", from);
            put(told, "validTo", until);
            return told;
        }
    }

    @Command(name = "add", description = "Add to the limits of a team.", mixinStandardHelpOptions = true)
    int add(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Parameters(paramLabel = "NAME", description = "What it is called, for people.") String name,
            @Mixin Extras extras)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.call("POST", path(api, team), extras.told(name)), ALL);
    }

    @Command(name = "remove", description = "Take an addon back, by its ID.", mixinStandardHelpOptions = true)
    int remove(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "TEAM") String team,
            @Parameters(paramLabel = "ADDON") String addon)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.delete(path(api, team) + AdminApi.path(addon)));
    }
}

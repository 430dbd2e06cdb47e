package dev.sandlot.app;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The cache of template builds. */
@Command(
        name = "cache",
        description = "Show and prune the cache of template builds.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class CacheCommand extends AdminGroup {
    private static final String CACHE = "/admin/cache";

    private final Surroundings surroundings;

    CacheCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(name = "show", description = "Show how much the cache holds.", mixinStandardHelpOptions = true)
    int show(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get(CACHE), "entries", "layers", "bytes");
    }

    @Command(
            name = "list",
            description = "List the steps in the cache, the ones used least lately first.",
            mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get(CACHE).path("items"), "lastUsedAt", "bytes", "teamID", "step");
    }

    @Command(
            name = "prune",
            description = "Forget cached steps, those used least lately first, and remove layers that nothing needs.",
            mixinStandardHelpOptions = true)
    int prune(
            @Mixin AdminOptions options,
            @Option(
                            names = "--keep",
                            paramLabel = "MB",
                            defaultValue = "0",
                            description = "Keep steps whose layers take up no more than this; 0 (default) keeps none.")
                    int keep)
            throws IOException, InterruptedException {
        return options.show(
                surroundings,
                api -> api.call("POST", CACHE + "/prune?keepMB=" + keep, null),
                "entries",
                "layers",
                "bytes");
    }
}

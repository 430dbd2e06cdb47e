package dev.sandlot.app;

import dev.sandlot.linux.DiskFloor;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Says whether a server runs, where, and what it has. */
@Command(
        name = "status",
        description = "Show the running server: process, addresses, version, sandboxes.",
        mixinStandardHelpOptions = true,
        footer = {"", "Exit code 3 when no server runs, 1 when one runs but does not answer."})
final class StatusCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--json", description = "Print it as one JSON object.")
    private boolean json;

    StatusCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Settings settings = installation.load(surroundings).settings();
        Instance instance = new Instance(settings);
        Optional<Instance.Serving> serving = instance.serving();
        if (serving.isEmpty()) {
            return reportAbsent(settings, instance.isClaimed());
        }
        Map<String, Object> status = describe(serving.get(), instance.access());
        status.put("disk", disk(settings.diskFloor()));
        print(status);
        return Boolean.TRUE.equals(status.get("healthy")) ? ExitCode.OK : ExitCode.FAILED;
    }

    private int reportAbsent(Settings settings, boolean claimed) {
        String state = claimed ? "starting or stopping" : "not running";
        if (json) {
            print(Map.of("state", state, "dataDir", settings.dataDir().toString()));
        } else {
            surroundings.out().println("Sandlot is " + state + " (data directory " + settings.dataDir() + ").");
        }
        return ExitCode.NOT_RUNNING;
    }

    private static Map<String, Object> describe(Instance.Serving serving, Optional<Instance.Access> access)
            throws IOException, InterruptedException {
        Map<String, Object> status = new LinkedHashMap<>();
        status.put("state", "running");
        status.putAll(Greeting.addresses(serving));
        String key = access.map(Instance.Access::apiKey).orElse("");
        try (ServerApi api = new ServerApi(serving.api(), key)) {
            boolean healthy = api.isHealthy();
            status.put("healthy", healthy);
            if (healthy) {
                status.put("sandboxes", api.sandboxesByState());
            }
        }
        return status;
    }

    private static String disk(DiskFloor floor) {
        return (floor.forbids(0) ? "nearly full, new sandboxes are refused: " : "") + floor.text();
    }

    private void print(Map<String, Object> status) {
        if (json) {
            surroundings.out().println(new JsonMapper().writeValueAsString(status));
        } else {
            status.forEach((name, value) -> surroundings.out().printf("%-10s %s%n", name, value));
        }
    }
}

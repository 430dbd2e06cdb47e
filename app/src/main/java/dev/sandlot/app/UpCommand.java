package dev.sandlot.app;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts the server, or says that it runs. */
@Command(
        name = "up",
        description = "Start the server: everything in one process, until Ctrl-C or `sandlot down`.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Ctrl-C and SIGTERM stop the server and leave its sandboxes running: the next `up` takes them over.",
            "`sandlot down` ends the sandboxes too. Needs root: it makes namespaces, mounts and network links."
        })
final class UpCommand implements Callable<Integer> {
    private static final Duration OTHER_START = Duration.ofMinutes(10);
    private static final Duration POLL = Duration.ofMillis(100);

    private final Supplier<Programs> programs;
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--listen", paramLabel = "ADDRESS", description = "IP address to listen on (default: 127.0.0.1).")
    private @Nullable String listen;

    @Option(names = "--port", paramLabel = "PORT", description = "API and sandbox traffic (default: 3000; 0: any).")
    private @Nullable String port;

    @Option(names = "--traffic-port", paramLabel = "PORT", description = "Sandbox traffic alone (default: 3002).")
    private @Nullable String trafficPort;

    @Option(names = "--debug-port", paramLabel = "PORT", description = "The SDKs' debug mode (default: 49983).")
    private @Nullable String debugPort;

    @Option(names = "--runtime", paramLabel = "KIND", description = "How sandboxes are isolated: oci.")
    private @Nullable String runtime;

    @Option(
            names = "--new-store",
            description =
                    "Take a store that is another one than the data directory's; sandboxes of that one are ended.")
    private boolean newStore;

    @Option(names = "--detach", description = "Return once it serves; it goes on in the background.")
    private boolean detach;

    @Option(names = "--json", description = "Print addresses and key as JSON.")
    private boolean json;

    @Option(names = "--yes", description = "Install missing system packages without asking (done by ./sandlot).")
    @SuppressWarnings("UnusedVariable") // the launcher acts on it before this program runs
    private boolean yes;

    UpCommand(Supplier<Programs> programs, Surroundings surroundings) {
        this.programs = programs;
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        LoadedSettings loaded = installation.load(surroundings, flags());
        Instance instance = new Instance(loaded.settings());
        requireRoot();
        if (!isChild()) {
            requireMachine(loaded.settings());
        }
        if (detach && !isChild()) {
            return new DetachedStart(instance, surroundings, json).run();
        }
        ActiveCommands active = instance.activeCommands();
        active.refuseWhilePurged();
        instance.createRunDirectory();
        try (ActiveCommands.Entry starting = active.enter(ActiveCommands.UP)) {
            Optional<Instance.Claim> claim = claimOrGiveUp(instance);
            if (claim.isEmpty()) {
                return reportRunning(instance);
            }
            return new ForegroundServer(
                            programs.get().server(), loaded, instance, surroundings, newStore, json, isChild())
                    .run(starting);
        }
    }

    private Map<Setting, String> flags() {
        Map<Setting, String> flags = new EnumMap<>(Setting.class);
        put(flags, Setting.LISTEN_ADDRESS, listen);
        put(flags, Setting.API_PORT, port);
        put(flags, Setting.TRAFFIC_PORT, trafficPort);
        put(flags, Setting.DEBUG_PORT, debugPort);
        put(flags, Setting.RUNTIME_KIND, runtime);
        return flags;
    }

    private static void put(Map<Setting, String> flags, Setting setting, @Nullable String value) {
        if (value != null) {
            flags.put(setting, value);
        }
    }

    private boolean isChild() {
        return surroundings.environment().containsKey(DetachedStart.CHILD_MARK);
    }

    private void requireRoot() {
        if (!surroundings.isRoot()) {
            throw new CommandException(ExitCode.FAILED, """
                    `up` needs root: it mounts each sandbox's file system, makes its network link, address and \
                    firewall rules, and sets its limits in the control groups. Processes inside a sandbox are never \
                    root on this machine.
                      Run it as root, for example: sudo ./sandlot up""");
        }
    }

    private void requireMachine(Settings settings) {
        var missing = new Doctor(Machine.real(surroundings.environment()), settings, true)
                .required().stream()
                        .filter(finding -> finding.level() == Finding.Level.MISSING)
                        .toList();
        if (!missing.isEmpty()) {
            StringBuilder text = new StringBuilder("this machine lacks what `up` needs:");
            missing.forEach(finding -> text.append("\n  - ").append(finding.asLine()));
            throw new CommandException(ExitCode.FAILED, text + "\n  `sandlot doctor` shows everything.");
        }
    }

    /** As {@link #claimOrJoin}; a signal meanwhile is told as one that comes later. */
    private Optional<Instance.Claim> claimOrGiveUp(Instance instance) throws IOException, InterruptedException {
        Thread ending = new Thread(() -> ForegroundServer.giveUp(surroundings), "stop-waiting");
        Runtime.getRuntime().addShutdownHook(ending);
        try {
            return claimOrJoin(instance);
        } finally {
            Runtime.getRuntime().removeShutdownHook(ending);
        }
    }

    /**
     * Claims the data directory; empty when another process serves it. Waits while another one starts or stops, and
     * refuses while one removes the data directory.
     */
    private Optional<Instance.Claim> claimOrJoin(Instance instance) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + OTHER_START.toNanos();
        boolean told = false;
        while (System.nanoTime() < deadline) {
            Optional<Instance.Claim> claim = instance.claim();
            instance.activeCommands().refuseWhilePurged();
            if (claim.isPresent() || instance.serving().isPresent()) {
                return claim;
            }
            if (!told) {
                surroundings.progress().step("waiting for " + others(instance));
                told = true;
            }
            Thread.sleep(POLL);
        }
        throw new CommandException(
                ExitCode.FAILED, others(instance) + " holds the data directory, but no server serves it");
    }

    private static String others(Instance instance) throws IOException {
        List<ActiveCommands.Active> others = instance.activeCommands().others().stream()
                .filter(active -> !active.command().equals(ActiveCommands.UP_DETACHED))
                .toList();
        return others.isEmpty()
                ? "another server that is stopping"
                : others.stream().map(ActiveCommands.Active::toString).collect(Collectors.joining(", "));
    }

    private int reportRunning(Instance instance) throws IOException {
        Instance.Serving serving = instance.serving()
                .orElseThrow(() -> new CommandException(ExitCode.FAILED, "the other server ended just now; try again"));
        new Greeting(surroundings.out(), json).alreadyRunning(serving, instance.access());
        return ExitCode.OK;
    }
}

package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Removes an installation from the machine and shows that nothing of it is left. */
@Command(
        name = "purge",
        description = "Stop the server and remove all that `up` made on this machine: sandboxes, templates, keys,"
                + " layers, control groups, links, firewall tables.",
        mixinStandardHelpOptions = true,
        footer = {"", "A sandlot.yaml in the data directory is yours and stays."})
final class PurgeCommand implements Callable<Integer> {
    private static final Duration TO_CLAIM = Duration.ofSeconds(5);
    private static final Duration POLL = Duration.ofMillis(50);

    private final Supplier<Programs> programs;
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--yes", description = "Do not ask.")
    private boolean yes;

    PurgeCommand(Supplier<Programs> programs, Surroundings surroundings) {
        this.programs = programs;
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Settings settings = installation.load(surroundings).settings();
        OwnedDirectory data = new OwnedDirectory(settings.dataDir());
        OwnedDirectory run = new OwnedDirectory(settings.runDir());
        if (!data.isOurs() && !run.isOurs()) {
            refuseStranger(settings);
            surroundings.out().println("Nothing to remove: " + settings.dataDir() + " was never set up.");
            return ExitCode.OK;
        }
        confirm(settings);
        Instance instance = new Instance(settings);
        Housekeeping housekeeping = programs.get().housekeeping();
        instance.createRunDirectory();
        try (ActiveCommands.Entry _ = instance.activeCommands().enter(ActiveCommands.PURGE)) {
            try (Instance.Claim _ = stopAndClaim(instance)) {
                housekeeping.endSandboxes(settings, surroundings.progress());
                housekeeping.removeAll(settings, surroundings.progress());
                data.delete();
                run.delete();
            }
        }
        return prove(settings, housekeeping);
    }

    /** An `up` that sees the purge gives way, so one that came first has the claim for a moment only. */
    private static Instance.Claim stopAndClaim(Instance instance) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TO_CLAIM.toNanos();
        while (true) {
            new ServerStop(instance).run(RunningServer.Sandboxes.END);
            Optional<Instance.Claim> claim = instance.claim();
            if (claim.isPresent()) {
                return claim.get();
            }
            if (System.nanoTime() > deadline) {
                throw instance.busy();
            }
            Thread.sleep(POLL);
        }
    }

    private static void refuseStranger(Settings settings) throws IOException {
        if (Files.isDirectory(settings.dataDir())) {
            try (var entries = Files.list(settings.dataDir())) {
                if (entries.anyMatch(entry -> !entry.endsWith("sandlot.yaml"))) {
                    throw new CommandException(
                            ExitCode.FAILED, settings.dataDir() + " was not made by Sandlot and is left alone");
                }
            }
        }
    }

    private void confirm(Settings settings) throws IOException {
        if (yes) {
            return;
        }
        surroundings.err().print("Remove " + settings.dataDir() + " with all sandboxes, templates and keys? [y/N] ");
        surroundings.err().flush();
        @Nullable String answer = surroundings.in().readLine();
        if (answer == null || !answer.strip().equalsIgnoreCase("y")) {
            throw new CommandException(ExitCode.FAILED, "nothing was removed; answer y, or give --yes");
        }
    }

    private int prove(Settings settings, Housekeeping housekeeping) throws IOException {
        List<String> left = housekeeping.leftovers(settings);
        if (left.isEmpty()) {
            surroundings
                    .out()
                    .println("Removed " + removed(settings.dataDir()) + " and " + removed(settings.runDir())
                            + "; nothing of it is left on this machine.");
            return ExitCode.OK;
        }
        surroundings.err().println("sandlot: still on this machine:");
        left.forEach(line -> surroundings.err().println("  - " + line));
        return ExitCode.FAILED;
    }

    /** A mount point stays, and so does a directory with the user's settings. */
    private static String removed(Path directory) {
        return Files.exists(directory) ? "Sandlot's files in " + directory : directory.toString();
    }
}

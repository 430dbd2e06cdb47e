package dev.sandlot.app;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Stops the server and ends its sandboxes. */
@Command(
        name = "down",
        description = "Stop the server, also one that is still starting, and end its sandboxes; also those left by a"
                + " server that stopped before.",
        mixinStandardHelpOptions = true,
        footer = {"", "Exit code 0 also when nothing ran."})
final class DownCommand implements Callable<Integer> {
    private final Supplier<Programs> programs;
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--keep-sandboxes", description = "Let the sandboxes run on; the next `up` takes them over.")
    private boolean keepSandboxes;

    DownCommand(Supplier<Programs> programs, Surroundings surroundings) {
        this.programs = programs;
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Settings settings = installation.load(surroundings).settings();
        Instance instance = new Instance(settings);
        if (!new OwnedDirectory(settings.runDir()).isOurs() && !new OwnedDirectory(settings.dataDir()).isOurs()) {
            tell(List.of());
            return ExitCode.OK;
        }
        instance.createRunDirectory();
        try (ActiveCommands.Entry _ = instance.activeCommands().enter(ActiveCommands.DOWN)) {
            tell(new ServerStop(instance)
                    .run(keepSandboxes ? RunningServer.Sandboxes.KEEP : RunningServer.Sandboxes.END));
            if (!keepSandboxes) {
                endStrays(settings, instance);
            }
        }
        return ExitCode.OK;
    }

    private void tell(List<ServerStop.Stopped> stopped) {
        if (stopped.isEmpty()) {
            surroundings.out().println("No server was running.");
        }
        for (ServerStop.Stopped one : stopped) {
            surroundings
                    .out()
                    .println("Stopped " + (one.serving() ? "the server" : "a server that was starting") + ", process "
                            + one.process().pid() + ".");
        }
    }

    /** Ends what a killed server left, under the claim so that no new server can take it over meanwhile. */
    private void endStrays(Settings settings, Instance instance) throws IOException {
        if (!new OwnedDirectory(settings.dataDir()).isOurs()) {
            return;
        }
        try (Instance.Claim _ = instance.claim().orElseThrow(instance::busy)) {
            int ended = programs.get().housekeeping().endSandboxes(settings, surroundings.progress());
            surroundings
                    .out()
                    .println(
                            ended == 0
                                    ? "No sandbox is left."
                                    : "Ended " + ended + (ended == 1 ? " sandbox" : " sandboxes")
                                            + " that had no server.");
        }
    }
}

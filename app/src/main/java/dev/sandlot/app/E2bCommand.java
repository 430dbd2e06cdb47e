package dev.sandlot.app;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Runs the official command line of E2B against this server. */
@Command(
        name = "e2b",
        description = "Run E2B's own command line with what it needs to speak to this server: sandlot e2b -- ARGS.",
        mixinStandardHelpOptions = true,
        footer = {"", "It is looked for in PATH, else fetched by npx. Its exit code is the command's."})
final class E2bCommand implements Callable<Integer> {
    private static final String PACKAGE = "@e2b/cli";

    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Parameters(paramLabel = "ARG", description = "What the command line is given, options too.")
    private List<String> arguments = List.of();

    E2bCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Settings settings = installation.load(surroundings).settings();
        Instance.Access access = new Instance(settings)
                .access()
                .orElseThrow(() -> new CommandException(
                        ExitCode.NOT_RUNNING,
                        "nothing was set up in " + settings.dataDir() + "; start with `sandlot up`"));
        List<String> command = new ArrayList<>(program());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("E2B_DOMAIN", settings.listen().domain());
        builder.environment().putAll(EnvCommand.variables(access));
        return builder.start().waitFor();
    }

    private List<String> program() {
        return inPath("e2b")
                .map(program -> List.of(program.toString()))
                .or(() -> inPath("npx").map(npx -> List.of(npx.toString(), "--yes", PACKAGE)))
                .orElseThrow(() -> new CommandException(
                        ExitCode.FAILED,
                        "E2B's command line is not in PATH, and neither is npx, which could fetch it.\n"
                                + "  Install Node.js with npm (Debian and Ubuntu: apt-get install nodejs npm); then run"
                                + " this again,\n  or install it for good: npm install -g " + PACKAGE));
    }

    private Optional<Path> inPath(String name) {
        return Stream.of(surroundings.environment().getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, name))
                .filter(program -> Files.isRegularFile(program) && Files.isExecutable(program))
                .findFirst();
    }
}

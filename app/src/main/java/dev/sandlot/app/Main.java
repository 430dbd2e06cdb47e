package dev.sandlot.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line {@code sandlot}. */
@Command(
        name = "sandlot",
        description = "Sandboxes for AI agents on any Linux machine, speaking E2B's API.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.Provider.class,
        footer = {
            "",
            "Exit codes: 0 done, 1 failed, 2 wrong command line or settings, 3 not running or never set up.",
            "See docs/cli.md for all of it."
        })
public final class Main implements Runnable {
    /** With it begins what a command that failed says. */
    static final String ERROR_PREFIX = "sandlot: ";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private Main() {}

    /** Runs the command that the arguments name and ends the process with its exit code. */
    public static void main(String[] arguments) {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StandardOutput out = StandardOutput.ofProcess();
        int code = run(Main::programs, Surroundings.ofProcess(in, out.print()), arguments);
        System.exit(out.exitCode(code, System.err));
    }

    static int run(Supplier<Programs> programs, Surroundings surroundings, String... arguments) {
        return new Commands(programs, surroundings)
                .addTo(new CommandLine(new Main()), arguments)
                .setOut(writer(surroundings.out()))
                .setErr(writer(surroundings.err()))
                .setExecutionExceptionHandler(failures(surroundings))
                .execute(arguments);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say which command.");
    }

    private static Programs programs() {
        return ServiceLoader.load(Programs.class)
                .findFirst()
                .orElseThrow(() -> new CommandException(ExitCode.FAILED, "this build has no server in it"));
    }

    private static IExecutionExceptionHandler failures(Surroundings surroundings) {
        return (failure, command, parsed) -> {
            if (failure instanceof CommandException e) {
                surroundings.err().println(ERROR_PREFIX + e.getMessage());
                return e.exitCode();
            }
            if (failure instanceof IOException e) {
                surroundings.err().println(ERROR_PREFIX + Failures.describe(e));
                return ExitCode.FAILED;
            }
            if (failure instanceof UncheckedIOException e) {
                surroundings.err().println(ERROR_PREFIX + Failures.describe(Objects.requireNonNull(e.getCause())));
                return ExitCode.FAILED;
            }
            throw failure;
        };
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }
}

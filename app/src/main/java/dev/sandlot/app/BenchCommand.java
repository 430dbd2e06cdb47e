package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Runs the benchmarks of the source tree. */
@Command(name = "bench", description = "Run benchmarks/run with the given arguments.", mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Parameters(paramLabel = "ARG", description = "What benchmarks/run is given, options too.")
    private List<String> arguments = List.of();

    BenchCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path root = Checkout.root(surroundings);
        Path runner = root.resolve("benchmarks/run");
        if (!Files.isExecutable(runner)) {
            throw new CommandException(ExitCode.FAILED, "this version has no benchmarks (" + runner + " is not there)");
        }
        List<String> command = new ArrayList<>(List.of(runner.toString()));
        command.addAll(arguments);
        int code = new ProcessBuilder(command)
                .directory(root.toFile())
                .inheritIO()
                .start()
                .waitFor();
        return code == 0 ? ExitCode.OK : ExitCode.FAILED;
    }
}

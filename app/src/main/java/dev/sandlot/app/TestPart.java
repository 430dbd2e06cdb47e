package dev.sandlot.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The kinds of tests, in the order in which they run. */
enum TestPart {
    /** Everything that needs neither root nor a server; also the format and the package. */
    FAST {
        @Override
        Tally run(Path root, Surroundings surroundings) throws IOException, InterruptedException {
            return maven(root, surroundings, List.of("verify"));
        }
    },
    /** Real namespaces, mounts and control groups. */
    KERNEL {
        @Override
        Tally run(Path root, Surroundings surroundings) throws IOException, InterruptedException {
            if (!surroundings.isRoot()) {
                return Tally.skip("kernel: these tests need root");
            }
            return maven(root, surroundings, tagged("kernel"));
        }
    },
    /** The official clients against a server of this build; the base template; a real registry. */
    ACCEPTANCE {
        @Override
        Tally run(Path root, Surroundings surroundings) throws IOException, InterruptedException {
            if (!surroundings.isRoot()) {
                return Tally.skip("acceptance: the server needs root");
            }
            Tally clients = script(root, surroundings, root.resolve("acceptance/run"));
            return clients.plus(
                    maven(root, surroundings, tagged("acceptance", "-Dsandlot.test.pool=" + poolOfClients(root))));
        }

        private static Path poolOfClients(Path root) {
            return root.resolve(".sandlot/acceptance/pool");
        }
    };

    /** Runs the part, its output going to the user as it comes. */
    abstract Tally run(Path root, Surroundings surroundings) throws IOException, InterruptedException;

    private static List<String> tagged(String tag, String... further) {
        List<String> goals = new ArrayList<>(
                List.of("test", "-Dtest.included=" + tag, "-Dtest.excluded=none", "-Dspotless.check.skip=true"));
        goals.addAll(List.of(further));
        return goals;
    }

    private static Tally maven(Path root, Surroundings surroundings, List<String> goals)
            throws IOException, InterruptedException {
        SurefireReports reports = new SurefireReports(root);
        reports.clear();
        List<String> command = new ArrayList<>(List.of("mvn", "-B", "-q", "-Dmaven.test.failure.ignore=true"));
        command.addAll(goals);
        int code = execute(root, command, surroundings.out()::println);
        Tally tally = reports.read();
        return code == 0 ? tally : tally.plus(Tally.failure("mvn " + goals.getFirst() + " ended with code " + code));
    }

    /** Runs a script whose output has a line of counts. */
    private static Tally script(Path root, Surroundings surroundings, Path script)
            throws IOException, InterruptedException {
        String name = root.relativize(script).toString();
        if (!Files.isExecutable(script)) {
            return Tally.skip(name + " is not there");
        }
        ScriptCounts counts = new ScriptCounts(name);
        int code = execute(root, List.of(script.toString()), line -> {
            surroundings.out().println(line);
            counts.read(line);
        });
        Tally tally =
                counts.tally().orElseGet(() -> Tally.failure(name + " ended with code " + code + " and no counts"));
        return code != 0 && tally.failed() == 0 ? tally.plus(Tally.failure(name + " ended with code " + code)) : tally;
    }

    private static int execute(Path root, List<String> command, Consumer<String> lines)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(root.toFile())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .start();
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            output.lines().forEach(lines);
        }
        return process.waitFor();
    }
}

package dev.sandlot.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

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

    private static final Pattern COUNTS = Pattern.compile("(\\d+) passed, (\\d+) failed, (\\d+) skipped");

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
        Outcome outcome = execute(root, surroundings, command);
        Tally tally = reports.read();
        return outcome.code() == 0
                ? tally
                : tally.plus(Tally.failure("mvn " + goals.getFirst() + " ended with code " + outcome.code()));
    }

    /** Runs a script whose output has a line of counts; the last such line holds. */
    private static Tally script(Path root, Surroundings surroundings, Path script)
            throws IOException, InterruptedException {
        String name = root.relativize(script).toString();
        if (!Files.isExecutable(script)) {
            return Tally.skip(name + " is not there");
        }
        Outcome outcome = execute(root, surroundings, List.of(script.toString()));
        if (outcome.counts().isEmpty()) {
            return Tally.failure(name + " ended with code " + outcome.code() + " and no counts");
        }
        Tally tally = outcome.counts().get();
        return outcome.code() != 0 && tally.failed() == 0
                ? tally.plus(Tally.failure(name + " ended with code " + outcome.code()))
                : tally;
    }

    private record Outcome(int code, @Nullable Tally found) {
        Optional<Tally> counts() {
            return Optional.ofNullable(found);
        }
    }

    private static Outcome execute(Path root, Surroundings surroundings, List<String> command)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(root.toFile())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .start();
        Tally counts = null;
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                surroundings.out().println(line);
                counts = counts(command.getFirst(), line).orElse(counts);
            }
        }
        return new Outcome(process.waitFor(), counts);
    }

    private static Optional<Tally> counts(String name, String line) {
        Matcher matcher = COUNTS.matcher(line);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int failed = Integer.parseInt(matcher.group(2));
        int skipped = Integer.parseInt(matcher.group(3));
        List<String> notes = new ArrayList<>();
        if (failed > 0) {
            notes.add("FAILED  " + failed + " of " + name + "; see its output above");
        }
        if (skipped > 0) {
            notes.add("skipped " + skipped + " of " + name + "; see its output above");
        }
        return Optional.of(new Tally(Integer.parseInt(matcher.group(1)), failed, skipped, notes));
    }
}

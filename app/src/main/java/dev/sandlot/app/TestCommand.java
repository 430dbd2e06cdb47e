package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the tests of the source tree. */
@Command(
        name = "test",
        description = "Run all tests: fast, kernel, acceptance. The last line is `N passed, N failed, N skipped`.",
        mixinStandardHelpOptions = true,
        footer = {"", "Exit code 0 when nothing failed and something passed."})
final class TestCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--fast", description = "Only the part that needs neither root nor a server.")
    private boolean fast;

    @Option(names = "--only", paramLabel = "PART", description = "Only this part; may be given more than once.")
    private List<String> only = new ArrayList<>();

    @Option(names = "--yes", description = "Install missing system packages without asking (done by ./sandlot).")
    @SuppressWarnings("UnusedVariable") // the launcher acts on it before this program runs
    private boolean yes;

    TestCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path root = Checkout.root(surroundings);
        Map<TestPart, Tally> results = new LinkedHashMap<>();
        for (TestPart part : parts()) {
            surroundings.out().println("== " + name(part));
            results.put(part, part.run(root, surroundings));
        }
        return summarize(results);
    }

    private Set<TestPart> parts() {
        if (fast) {
            return EnumSet.of(TestPart.FAST);
        }
        if (only.isEmpty()) {
            return EnumSet.allOf(TestPart.class);
        }
        EnumSet<TestPart> chosen = EnumSet.noneOf(TestPart.class);
        only.forEach(name -> chosen.add(part(name)));
        return chosen;
    }

    private TestPart part(String name) {
        return Arrays.stream(TestPart.values())
                .filter(part -> name(part).equals(name))
                .findFirst()
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(), "no part is called " + name + "; there are fast, kernel, acceptance"));
    }

    private static String name(TestPart part) {
        return part.name().toLowerCase(Locale.ROOT);
    }

    private int summarize(Map<TestPart, Tally> results) {
        Tally sum = results.values().stream().reduce(Tally.NONE, Tally::plus);
        surroundings.out().println("== summary");
        results.forEach((part, tally) -> surroundings.out().printf("%-11s %s%n", name(part), tally.asLine()));
        sum.notes().forEach(note -> surroundings.out().println("  " + note));
        surroundings.out().println(sum.asLine());
        return sum.failed() == 0 && sum.passed() > 0 ? ExitCode.OK : ExitCode.FAILED;
    }
}

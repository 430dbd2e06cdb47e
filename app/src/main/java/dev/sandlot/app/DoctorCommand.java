package dev.sandlot.app;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Says what this machine can do, and what Sandlot left on it. */
@Command(
        name = "doctor",
        description = "Check what this machine can do: each line ok, degraded, missing or note, with its FIX.",
        mixinStandardHelpOptions = true,
        footer = {"", "Exit code 1 when something is missing, or when --leaks finds leftovers."})
final class DoctorCommand implements Callable<Integer> {
    private final Supplier<Programs> programs;
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--leaks", description = "Look only for what ended sandboxes left on this machine.")
    private boolean leaks;

    @Option(names = "--json", description = "Print it as JSON.")
    private boolean json;

    DoctorCommand(Supplier<Programs> programs, Surroundings surroundings) {
        this.programs = programs;
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        Settings settings = installation.load(surroundings).settings();
        if (leaks && !surroundings.isRoot()) {
            throw new CommandException(
                    ExitCode.FAILED, "`doctor --leaks` needs root to see the processes and files of sandboxes");
        }
        return leaks ? reportLeaks(programs.get().housekeeping().leftovers(settings)) : reportFindings(settings);
    }

    private int reportLeaks(List<String> leftovers) {
        if (json) {
            surroundings.out().println(new JsonMapper().writeValueAsString(Map.of("leftovers", leftovers)));
        } else {
            leftovers.forEach(surroundings.out()::println);
            surroundings.out().println(leftovers.isEmpty() ? "No leftovers." : leftovers.size() + " leftovers.");
        }
        return leftovers.isEmpty() ? ExitCode.OK : ExitCode.FAILED;
    }

    private int reportFindings(Settings settings) {
        List<Finding> findings =
                new Doctor(Machine.real(surroundings.environment()), settings, surroundings.isRoot()).all();
        if (json) {
            surroundings
                    .out()
                    .println(new JsonMapper()
                            .writeValueAsString(
                                    findings.stream().map(DoctorCommand::asMap).toList()));
        } else {
            findings.forEach(this::print);
        }
        boolean missing = findings.stream().anyMatch(finding -> finding.level() == Finding.Level.MISSING);
        return missing ? ExitCode.FAILED : ExitCode.OK;
    }

    private void print(Finding finding) {
        surroundings.out().printf("%-9s %-20s %s%n", level(finding), finding.name(), finding.found());
        if (finding.fix() != null) {
            surroundings.out().printf("%-9s FIX: %s%n", "", finding.fix());
        }
    }

    private static String level(Finding finding) {
        return finding.level().name().toLowerCase(Locale.ROOT);
    }

    private static Map<String, Object> asMap(Finding finding) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", finding.name());
        map.put("level", level(finding));
        map.put("found", finding.found());
        if (finding.fix() != null) {
            map.put("fix", finding.fix());
        }
        map.put("required", finding.required());
        return map;
    }
}

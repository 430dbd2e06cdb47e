package dev.sandlot.app;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine;

/**
 * The commands by their names. Picocli looks through every command that it is given, which takes longer than most of
 * them run, so it is given the called one alone, and all when help is asked for or the name is not known.
 */
final class Commands {
    private final Map<String, Supplier<Object>> all = new LinkedHashMap<>();

    Commands(Supplier<Programs> programs, Surroundings surroundings) {
        all.put("up", () -> new UpCommand(programs, surroundings));
        all.put("env", () -> new EnvCommand(surroundings));
        all.put("status", () -> new StatusCommand(surroundings));
        all.put("down", () -> new DownCommand(programs, surroundings));
        all.put("doctor", () -> new DoctorCommand(programs, surroundings));
        all.put("config", () -> new ConfigCommand(surroundings));
        all.put("migrate", () -> new MigrateCommand(surroundings));
        all.put(
                "team",
                () -> new CommandLine(new TeamCommand(surroundings)).addSubcommand(new TeamAddonCommand(surroundings)));
        all.put("tier", () -> new TierCommand(surroundings));
        all.put("user", () -> new UserCommand(surroundings));
        all.put("member", () -> new MemberCommand(surroundings));
        all.put("key", () -> new KeyCommand(surroundings));
        all.put("token", () -> new TokenCommand(surroundings));
        all.put("sandbox", () -> new SandboxCommand(surroundings));
        all.put("node", () -> new NodeCommand(surroundings));
        all.put("e2b", () -> new CommandLine(new E2bCommand(surroundings)).setStopAtPositional(true));
        all.put("purge", () -> new PurgeCommand(programs, surroundings));
        all.put("cache", () -> new CacheCommand(surroundings));
        all.put("image", () -> new ImageCommand(surroundings));
        all.put("template", () -> TemplateCommand.of(surroundings));
        all.put("test", () -> new TestCommand(surroundings));
        all.put(
                "bench",
                () -> new CommandLine(new BenchCommand(surroundings)).setUnmatchedOptionsArePositionalParams(true));
        all.put("version", () -> new VersionCommand(surroundings));
    }

    /** Adds what these arguments call. */
    CommandLine addTo(CommandLine root, String... arguments) {
        Optional<Supplier<Object>> called =
                arguments.length == 0 ? Optional.empty() : Optional.ofNullable(all.get(arguments[0]));
        if (called.isPresent()) {
            return root.addSubcommand(arguments[0], called.get().get());
        }
        all.forEach((name, command) -> root.addSubcommand(name, command.get()));
        return root;
    }
}

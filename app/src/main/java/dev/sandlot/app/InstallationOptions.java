package dev.sandlot.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command that say which installation is meant. */
final class InstallationOptions {
    @Option(
            names = "--data-dir",
            paramLabel = "DIR",
            description = "Where everything is kept (default: /var/lib/sandlot as root, else ~/.local/share/sandlot).")
    private @Nullable Path dataDir;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The settings file (default: sandlot.yaml in the data directory, if there).")
    private @Nullable Path config;

    /** Whether the command line itself says which installation is meant. */
    boolean isNamed() {
        return dataDir != null || config != null;
    }

    LoadedSettings load(Surroundings surroundings) {
        return load(surroundings, Map.of());
    }

    LoadedSettings load(Surroundings surroundings, Map<Setting, String> flags) {
        try {
            return new SettingsLoader(surroundings.environment(), flags)
                    .load(dataDir(surroundings), configFile(surroundings));
        } catch (SettingsException e) {
            throw new CommandException(ExitCode.USAGE, e.summary());
        }
    }

    private Path dataDir(Surroundings surroundings) {
        Path named = dataDir;
        if (named != null && named.toString().isEmpty()) {
            throw new CommandException(ExitCode.USAGE, "--data-dir is empty");
        }
        Path path = named == null
                ? DataDirectory.defaultPath(surroundings.environment(), surroundings.isRoot(), surroundings.home())
                : named.toAbsolutePath().normalize();
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw new CommandException(ExitCode.USAGE, "the data directory " + path + " is not a directory");
        }
        return path;
    }

    private @Nullable Path configFile(Surroundings surroundings) {
        String named = surroundings.environment().getOrDefault("SANDLOT_CONFIG", "");
        return config != null || named.isEmpty() ? config : Path.of(named);
    }
}

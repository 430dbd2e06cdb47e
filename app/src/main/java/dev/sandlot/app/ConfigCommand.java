package dev.sandlot.app;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Shows the settings in force. */
@Command(
        name = "config",
        description = "Print the settings in force and where each came from; secrets are masked.",
        mixinStandardHelpOptions = true)
final class ConfigCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--json", description = "Print them as one JSON object.")
    private boolean json;

    @Option(names = "--explain", description = "Say what each setting means and its environment variables.")
    private boolean explain;

    ConfigCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        LoadedSettings loaded = installation.load(surroundings);
        if (json) {
            surroundings.out().println(new JsonMapper().writeValueAsString(asMap(loaded)));
        } else {
            printTable(loaded);
        }
        return ExitCode.OK;
    }

    private void printTable(LoadedSettings loaded) {
        Settings settings = loaded.settings();
        surroundings.out().println("# data directory " + settings.dataDir());
        surroundings.out().println("# run directory  " + settings.runDir());
        surroundings.out().println("# settings file  " + loaded.file());
        for (LoadedSettings.Value value : loaded.values()) {
            if (explain) {
                surroundings.out().println("# " + value.setting().meaning() + " (" + variables(value.setting()) + ")");
            }
            String shown = value.shown().isEmpty() ? "\"\"" : value.shown();
            surroundings.out().printf("%-24s %-24s # %s%n", value.setting().key(), shown, value.origin());
        }
        loaded.unused().forEach(name -> surroundings.out().println("# " + name + " is set, but not used yet"));
    }

    private static String variables(Setting setting) {
        List<String> names = new ArrayList<>(List.of(setting.variable()));
        names.addAll(setting.aliases());
        return String.join(", ", names);
    }

    private static Map<String, Object> asMap(LoadedSettings loaded) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (LoadedSettings.Value value : loaded.values()) {
            values.put(value.setting().key(), Map.of("value", value.shown(), "origin", value.origin()));
        }
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("dataDir", loaded.settings().dataDir().toString());
        map.put("runDir", loaded.settings().runDir().toString());
        map.put("file", loaded.file().toString());
        map.put("settings", values);
        map.put("unused", loaded.unused());
        return map;
    }
}

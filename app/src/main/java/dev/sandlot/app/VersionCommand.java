package dev.sandlot.app;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Says which version this is and what it runs on. */
@Command(name = "version", description = "Print versions.", mixinStandardHelpOptions = true)
final class VersionCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Option(names = "--json", description = "Print them as one JSON object.")
    private boolean json;

    VersionCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** For {@code --version} of the program and of each command. */
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"sandlot " + Version.current()};
        }
    }

    @Override
    public Integer call() {
        if (json) {
            surroundings.out().println(new JsonMapper().writeValueAsString(versions()));
        } else {
            versions().forEach((name, version) -> surroundings.out().println(name + " " + version));
        }
        return ExitCode.OK;
    }

    private static Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("sandlot", Version.current());
        versions.put("java", Runtime.version().toString());
        versions.put("kernel", System.getProperty("os.version", "unknown"));
        versions.put("architecture", System.getProperty("os.arch", "unknown"));
        return versions;
    }
}

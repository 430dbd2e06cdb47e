package dev.sandlot.app;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Prints what clients need in their environment. */
@Command(
        name = "env",
        description = "Print the variables clients need: eval \"$(sandlot env)\".",
        mixinStandardHelpOptions = true)
final class EnvCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--json", description = "Print them as one JSON object.")
    private boolean json;

    EnvCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        Settings settings = installation.load(surroundings).settings();
        Instance.Access access = new Instance(settings)
                .access()
                .orElseThrow(() -> new CommandException(
                        ExitCode.NOT_RUNNING,
                        "nothing was set up in " + settings.dataDir() + "; start with `sandlot up`"));
        if (json) {
            surroundings.out().println(new JsonMapper().writeValueAsString(variables(access)));
        } else {
            exports(access).forEach(surroundings.out()::println);
        }
        return ExitCode.OK;
    }

    static List<String> exports(Instance.Access access) {
        return variables(access).entrySet().stream()
                .map(entry -> "export " + entry.getKey() + "=" + quote(entry.getValue()))
                .toList();
    }

    static Map<String, String> variables(Instance.Access access) {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put("E2B_API_KEY", access.apiKey());
        variables.put("E2B_API_URL", access.apiUrl().toString());
        variables.put("E2B_SANDBOX_URL", access.sandboxUrl().toString());
        String domain = access.sandboxDomain();
        if (domain != null && !domain.isEmpty()) {
            variables.put("E2B_DOMAIN", domain);
        }
        return variables;
    }

    private static String quote(String value) {
        return value.matches("[A-Za-z0-9_./:@-]+") ? value : "'" + value.replace("'", "'\\''") + "'";
    }
}

package dev.sandlot.app;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Lists the templates of the team. */
@Command(name = "list", description = "List the templates of the team.", mixinStandardHelpOptions = true)
final class TemplateListCommand implements Callable<Integer> {
    private static final String ROW = "%-20s  %-32s  %-8s  %4s  %6s  %s%n";
    private final Surroundings surroundings;

    @Mixin
    private final Connection connection = new Connection();

    @Option(names = "--json", description = "Print what the server answers.")
    private boolean json;

    TemplateListCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (TemplateApi api = connection.open(surroundings)) {
            JsonNode templates = api.templates();
            if (json) {
                surroundings.out().println(templates);
            } else {
                surroundings.out().printf(ROW, "ID", "NAMES", "STATUS", "CPU", "MEMORY", "CHANGED");
                templates.forEach(this::row);
            }
        }
        return ExitCode.OK;
    }

    private void row(JsonNode template) {
        surroundings
                .out()
                .printf(
                        ROW,
                        template.path("templateID").asString(""),
                        String.join(" ", TemplateApi.texts(template.path("names"))),
                        template.path("buildStatus").asString(""),
                        template.path("cpuCount").asInt(0),
                        template.path("memoryMB").asInt(0),
                        template.path("updatedAt").asString(""));
    }
}

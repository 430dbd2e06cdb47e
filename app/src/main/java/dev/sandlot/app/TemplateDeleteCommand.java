package dev.sandlot.app;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Deletes templates. */
@Command(name = "delete", description = "Delete templates of the team.", mixinStandardHelpOptions = true)
final class TemplateDeleteCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Mixin
    private final Connection connection = new Connection();

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask.")
    private boolean yes;

    @Parameters(arity = "1..*", paramLabel = "TEMPLATE", description = "Names or IDs.")
    private List<String> templates = List.of();

    TemplateDeleteCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!yes && !isConfirmed()) {
            throw new CommandException(ExitCode.FAILED, "nothing was deleted");
        }
        int code = ExitCode.OK;
        try (TemplateApi api = connection.open(surroundings)) {
            for (String template : templates) {
                try {
                    api.delete(template);
                    surroundings.out().println("deleted " + template);
                } catch (TemplateApi.Refusal e) {
                    surroundings.err().println("sandlot: " + template + ": " + e.getMessage());
                    code = ExitCode.FAILED;
                }
            }
        }
        return code;
    }

    private boolean isConfirmed() throws IOException {
        surroundings.err().print("Delete " + String.join(", ", templates) + "? [y/N] ");
        surroundings.err().flush();
        String answer = surroundings.in().readLine();
        return answer != null && answer.strip().equalsIgnoreCase("y");
    }
}

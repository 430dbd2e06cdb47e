package dev.sandlot.app;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What clients do with templates. */
@Command(
        name = "template",
        description = "Build, list, delete and export templates.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class TemplateCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    static CommandLine of(Surroundings surroundings) {
        return new CommandLine(new TemplateCommand())
                .addSubcommand(new TemplateBuildCommand(surroundings))
                .addSubcommand(new TemplateListCommand(surroundings))
                .addSubcommand(new TemplateDeleteCommand(surroundings))
                .addSubcommand(new TemplateExportCommand(surroundings));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say which command.");
    }
}

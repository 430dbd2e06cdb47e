package dev.sandlot.app;

import dev.sandlot.control.SchemaChange;
import dev.sandlot.control.StoreException;
import dev.sandlot.control.StoreLocation;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Brings the schema of the store up to date, as {@code up} does too. */
@Command(
        name = "migrate",
        description = "Bring the schema of the store up to date, or print it as SQL for a Supabase project.",
        mixinStandardHelpOptions = true,
        footer = {"", "Safe to run again, and while servers run. Versions only go forward."})
final class MigrateCommand implements Callable<Integer> {
    private final Surroundings surroundings;

    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--print", description = "Print the SQL to run in a Supabase project's editor; change nothing.")
    private boolean print;

    MigrateCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        if (print) {
            surroundings.out().print(StoreLocation.Supabase.schema());
            return ExitCode.OK;
        }
        Settings settings = installation.load(surroundings).settings();
        try {
            requireInstallation(settings);
            surroundings
                    .out()
                    .println(settings.store() + ": " + told(settings.store().migrate()));
            return ExitCode.OK;
        } catch (StoreException e) {
            throw new CommandException(ExitCode.FAILED, String.valueOf(e.getMessage()));
        }
    }

    /** The file of a store belongs to an installation, which only {@code up} makes. */
    private static void requireInstallation(Settings settings) throws IOException {
        if (settings.store() instanceof StoreLocation.SqliteFile && !new OwnedDirectory(settings.dataDir()).isOurs()) {
            throw new CommandException(
                    ExitCode.NOT_RUNNING, settings.dataDir() + " was never set up; `sandlot up` makes the store");
        }
    }

    private static String told(SchemaChange change) {
        if (change.now().equals(SchemaChange.NONE)) {
            return "nothing to migrate";
        }
        return change.applied() == 0
                ? "schema is up to date at version " + change.now()
                : "schema brought from version " + change.before() + " to " + change.now() + ", changes made: "
                        + change.applied();
    }
}

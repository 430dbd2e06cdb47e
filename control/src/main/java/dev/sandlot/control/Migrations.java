package dev.sandlot.control;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;

/** The schema, as a list of changes that is only ever added to; Flyway brings databases up to date. */
final class Migrations {
    static final String FOLDER = "dev/sandlot/control/migrations";

    /** The last of the changes; a database that has it has them all. */
    static final String NEWEST = "16";

    private static final String LAST_DONE =
            "SELECT version, success FROM flyway_schema_history ORDER BY installed_rank DESC LIMIT 1";

    private Migrations() {}

    /**
     * The same as {@link #apply} for a start of the server: a database whose last change is the newest is left as it
     * is, which one query tells. What cannot be told is left to Flyway, and so is any trouble with the database.
     */
    static void ensure(DataSource source) {
        if (!isCurrent(source)) {
            apply(source);
        }
    }

    private static boolean isCurrent(DataSource source) {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet last = statement.executeQuery(LAST_DONE)) {
            return last.next() && NEWEST.equals(last.getString("version")) && last.getBoolean("success");
        } catch (SQLException e) {
            return false;
        }
    }

    /**
     * Brings a database up to date; may be called at any time and by several at once.
     *
     * @throws StoreException when it cannot be, with nothing of the failed change left where the database can undo it
     */
    static SchemaChange apply(DataSource source) {
        Flyway flyway = flyway(source);
        try {
            String before = current(flyway);
            int applied = flyway.migrate().migrationsExecuted;
            return new SchemaChange(before, current(flyway), applied);
        } catch (FlywayException e) {
            throw new StoreException("could not bring the schema up to date: " + e.getMessage(), e);
        }
    }

    private static Flyway flyway(DataSource source) {
        return Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(source)
                .locations("classpath:" + FOLDER)
                .load();
    }

    private static String current(Flyway flyway) {
        MigrationInfo current = flyway.info().current();
        return current == null ? SchemaChange.NONE : String.valueOf(current.getVersion());
    }
}

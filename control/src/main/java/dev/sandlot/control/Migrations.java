package dev.sandlot.control;

import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;

/** The schema, as a list of changes that is only ever added to; Flyway brings databases up to date. */
final class Migrations {
    static final String FOLDER = "dev/sandlot/control/migrations";

    private Migrations() {}

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

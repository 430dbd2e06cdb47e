package dev.sandlot.control;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;

/** The schema, as a list of changes that is only ever added to; Flyway brings databases up to date. */
final class Migrations {
    static final String FOLDER = "dev/sandlot/control/migrations";

    /** The last of the changes; a database that has it has them all. */
    static final String NEWEST = "16";

    private static final String DONE =
            "SELECT version, success FROM flyway_schema_history WHERE version IS NOT NULL ORDER BY installed_rank DESC";

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
        List<Done> done = done(source);
        requireKnown(done);
        return !done.isEmpty()
                && done.getFirst().version().equals(NEWEST)
                && done.getFirst().success();
    }

    /**
     * Refuses a database that a newer version of this program has changed.
     *
     * @throws StoreException with both versions of the schema
     */
    static void requireKnown(DataSource source) {
        requireKnown(done(source));
    }

    private static void requireKnown(List<Done> done) {
        Optional<String> newer =
                done.stream().map(Done::version).filter(Migrations::isNewer).findFirst();
        if (newer.isPresent()) {
            throw newer(newer.get());
        }
    }

    /** The refusal of a version of the schema that is newer than this program's. */
    static StoreException newer(String version) {
        return new StoreException("the store has version " + version + " of the schema, and this program knows "
                + NEWEST + ": a newer Sandlot has used it. Start that one, or restore a backup of before");
    }

    private static boolean isNewer(String version) {
        return Integer.parseInt(version.split("\\.", 2)[0]) > Integer.parseInt(NEWEST);
    }

    private record Done(String version, boolean success) {}

    /** The changes that were made, the last one first; none where that cannot be told. */
    private static List<Done> done(DataSource source) {
        List<Done> done = new ArrayList<>();
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(DONE)) {
            while (rows.next()) {
                done.add(new Done(rows.getString("version"), rows.getBoolean("success")));
            }
            return done;
        } catch (SQLException e) {
            return List.of();
        }
    }

    /**
     * Brings a database up to date; may be called at any time and by several at once.
     *
     * @throws StoreException when it cannot be, with nothing of the failed change left where the database can undo it
     */
    static SchemaChange apply(DataSource source) {
        requireKnown(source);
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

package dev.sandlot.control;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;

/**
 * The schema, as a list of changes that is only ever added to. Databases that can be reached directly are brought up
 * to date by Flyway; for those behind a REST interface the same changes are printed as one text, to be run by their
 * owner.
 */
final class Migrations {
    /** The table in which a printed schema notes what was done. */
    static final String PRINTED_TABLE = "sandlot_migrations";

    /** The files, oldest first. */
    static final List<String> FILES = List.of("V1__first_tables.sql");

    private static final String FOLDER = "dev/sandlot/control/migrations";
    private static final Pattern TABLE = Pattern.compile("(?m)^CREATE TABLE (\\w+)");

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

    /** The version that this program needs. */
    static String newest() {
        return version(FILES.getLast());
    }

    private static String version(String file) {
        return file.substring(1, file.indexOf("__"));
    }

    /** All changes as one text for PostgreSQL behind a REST interface; may be run again without effect. */
    static String printed() {
        StringBuilder text = new StringBuilder("""
                -- The schema of Sandlot. Safe to run again: what was done is not done twice.
                BEGIN;
                CREATE TABLE IF NOT EXISTS %1$s (version TEXT NOT NULL PRIMARY KEY);
                ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY;
                """.formatted(PRINTED_TABLE));
        texts().forEach((version, sql) -> text.append(guarded(version, sql)));
        return text.append("COMMIT;\nNOTIFY pgrst, 'reload schema';\n").toString();
    }

    private static Map<String, String> texts() {
        Map<String, String> texts = new LinkedHashMap<>();
        FILES.forEach(file -> texts.put(version(file), read(file)));
        return texts;
    }

    private static String guarded(String version, String sql) {
        return """

                DO $sandlot$
                BEGIN
                IF EXISTS (SELECT 1 FROM %1$s WHERE version = '%2$s') THEN
                    RETURN;
                END IF;

                %3$s
                -- Only the secret key passes: no policy lets anybody else in.
                %4$s
                INSERT INTO %1$s (version) VALUES ('%2$s');
                END
                $sandlot$;
                """.formatted(PRINTED_TABLE, version, sql, locks(sql));
    }

    private static String locks(String sql) {
        return TABLE.matcher(sql)
                .results()
                .map(table -> "ALTER TABLE " + table.group(1) + " ENABLE ROW LEVEL SECURITY;")
                .collect(Collectors.joining("\n"));
    }

    private static String read(String file) {
        ClassLoader loader = Objects.requireNonNull(Migrations.class.getClassLoader());
        try (InputStream in = loader.getResourceAsStream(FOLDER + "/" + file)) {
            return new String(Objects.requireNonNull(in, file).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("could not read the migration " + file, e);
        }
    }
}

package dev.sandlot.control;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The schema for a project whose REST interface cannot change it, as one text that its owner runs. The tables are in a
 * schema of their own, which the interface does not show; the one way in is {@code sandlot_run}, for the secret key.
 */
final class PrintedSchema {
    static final String FUNCTION = "sandlot_run";
    static final String ADVICE =
            "run what `sandlot migrate --print` prints in the SQL editor of the project (docs/stores.md)";

    private static final String CHANGES = "schema_changes";
    private static final String FUNCTION_FILE = "sandlot_run.sql";

    private PrintedSchema() {}

    /** All changes, oldest first; may be run again without effect. */
    static String text() {
        StringBuilder text = new StringBuilder("""
                -- The schema of Sandlot. Safe to run again: what was done is not done twice.
                BEGIN;
                CREATE SCHEMA IF NOT EXISTS sandlot;
                SET LOCAL search_path TO sandlot;
                CREATE TABLE IF NOT EXISTS %s (version INTEGER NOT NULL PRIMARY KEY);
                """.formatted(CHANGES));
        migrations().forEach((version, sql) -> text.append(guarded(version, sql)));
        return text.append('\n')
                .append(resource(PrintedSchema.class.getResourceAsStream(FUNCTION_FILE)))
                .append("COMMIT;\nNOTIFY pgrst, 'reload schema';\n")
                .toString();
    }

    private static String guarded(int version, String sql) {
        return """

                DO $sandlot$
                BEGIN
                IF EXISTS (SELECT 1 FROM %1$s WHERE version = %2$d) THEN
                    RETURN;
                END IF;
                %3$s
                INSERT INTO %1$s (version) VALUES (%2$d);
                END
                $sandlot$;
                """.formatted(CHANGES, version, sql);
    }

    /**
     * The version that the project has.
     *
     * @throws StoreException when it cannot be reached or lacks what this program needs, with what to do
     */
    static String require(StoreLocation.Supabase location, SupabaseProject project) {
        int newest = migrations().lastKey();
        try (Connection connection = RestConnection.open(project);
                PreparedStatement query = connection.prepareStatement(
                        "SELECT COUNT(*) AS done, COALESCE(MAX(version), 0) AS newest FROM " + CHANGES)) {
            query.execute();
            ResultSet row = query.getResultSet();
            row.next();
            if (row.getInt("newest") > newest) {
                throw Migrations.newer(row.getString("newest"));
            }
            if (row.getInt("newest") < newest
                    || row.getInt("done") < migrations().size()) {
                throw new StoreException(location + " has version " + row.getInt("newest") + " of the schema and needs "
                        + newest + "; " + ADVICE);
            }
            return Integer.toString(newest);
        } catch (SQLException e) {
            throw new StoreException(String.valueOf(e.getMessage()), e);
        }
    }

    /** The changes by their versions. */
    private static NavigableMap<Integer, String> migrations() {
        URL folder = Objects.requireNonNull(PrintedSchema.class.getResource("migrations"));
        try {
            URI uri = folder.toURI();
            if (!"jar".equals(uri.getScheme())) {
                return migrations(Path.of(uri));
            }
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.<String, Object>of())) {
                return migrations(jar.getPath("/" + Migrations.FOLDER));
            }
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException("could not read the changes of the schema", e);
        }
    }

    private static NavigableMap<Integer, String> migrations(Path folder) throws IOException {
        TreeMap<Integer, String> found = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".sql")) {
                    found.put(Integer.valueOf(name.substring(1, name.indexOf("__"))), Files.readString(file));
                }
            }
        }
        return found;
    }

    private static String resource(InputStream stream) {
        try (InputStream in = Objects.requireNonNull(stream)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("could not read " + FUNCTION_FILE, e);
        }
    }
}

package dev.sandlot.control;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/** Looks at an SQLite file before anything is built on it, and leaves no trace beside it. */
final class SqliteCheck {
    private static final String SOUND = "ok";
    private static final String SHARED = "mode=ro";

    /** Where there is no room for what processes share: {@link SqlStore#openSqlite}. */
    private static final String ALONE = "mode=ro&vfs=unix-excl";

    private SqliteCheck() {}

    /**
     * The ID of the store in that file; null when there is no file, or none in it.
     *
     * @throws StoreException when the file is no sound database, or one of a newer program
     */
    static @Nullable String idIn(StoreLocation.SqliteFile location) {
        if (!Files.exists(location.file())) {
            return null;
        }
        try {
            return idIn(source(location.file(), SHARED));
        } catch (JdbiException e) {
            if (!StoreTrouble.isOfFiles(e)) {
                throw unusable(location, e);
            }
        }
        try {
            return idIn(source(location.file(), ALONE));
        } catch (JdbiException e) {
            throw unusable(location, e);
        }
    }

    private static @Nullable String idIn(DataSource source) {
        String id = StoreIdentity.idIn(source);
        Migrations.requireKnown(source);
        return id;
    }

    /**
     * Reads the whole file.
     *
     * @return what it is
     * @throws StoreException when it is not sound, or of a newer program
     */
    static String look(StoreLocation.SqliteFile location) {
        if (!Files.exists(location.file())) {
            return location + ", which the first start makes";
        }
        if (!Files.isReadable(location.file())) {
            return location + ", which only its owner can look at";
        }
        DataSource source = source(location.file(), SHARED);
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA quick_check(1)")) {
            String found = row.next() ? row.getString(1) : "nothing";
            if (!SOUND.equals(found)) {
                throw new StoreException(location + " is damaged: " + found);
            }
        } catch (SQLException e) {
            throw unusable(location, e);
        }
        Migrations.requireKnown(source);
        return location + ", which is sound";
    }

    private static StoreException unusable(StoreLocation.SqliteFile location, Exception failure) {
        return new StoreException(
                location + " cannot be read: " + failure.getMessage()
                        + ". Restore a backup of it, or move it away for a new one",
                failure);
    }

    /** A database without a log is read as it is, since to read it in the usual way would make one. */
    private static DataSource source(Path file, String withLog) {
        SQLiteConfig config = new SQLiteConfig();
        config.setReadOnly(true);
        SQLiteDataSource source = new SQLiteDataSource(config);
        boolean alone = !Files.exists(file.resolveSibling(file.getFileName() + "-wal"));
        source.setUrl("jdbc:sqlite:file:" + file.toAbsolutePath().toUri().getRawPath() + "?"
                + (alone ? "immutable=1" : withLog));
        return source;
    }
}

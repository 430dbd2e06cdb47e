package dev.sandlot.control;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Looks at a PostgreSQL server before anything is built on it. */
final class PostgresCheck {
    private static final int OLDEST = 15;

    private PostgresCheck() {}

    /** The server's version, when it answers and is not too old. */
    static String requireVersion(StoreLocation location, DataSource source) {
        try (Connection connection = source.getConnection()) {
            DatabaseMetaData server = connection.getMetaData();
            String version = server.getDatabaseProductVersion();
            if (server.getDatabaseMajorVersion() < OLDEST) {
                throw new StoreException(location + " has version " + version + "; " + OLDEST + " or newer is needed");
            }
            return version;
        } catch (SQLException e) {
            throw new StoreException("could not reach " + location + ": " + e.getMessage(), e);
        }
    }
}

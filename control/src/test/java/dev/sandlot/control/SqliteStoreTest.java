package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The store in a SQLite file. */
class SqliteStoreTest extends StoreContract {
    @TempDir
    Path directory;

    @Override
    protected Store open() {
        return SqlStore.openSqlite(directory.resolve("store.db"));
    }

    @Test
    void theFileIsInWriteAheadMode() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("store.db"));
                ResultSet mode = connection.createStatement().executeQuery("PRAGMA journal_mode")) {
            assertThat(mode.getString(1)).isEqualTo("wal");
        }
    }

    @Test
    void whatWasWrittenIsThereAfterReopening() {
        Path file = directory.resolve("again.db");
        try (SqlStore first = SqlStore.openSqlite(file)) {
            first.teams().putTier(new TeamStore.Tier("t", new Team.Limits(1, 1)));
            first.templates().register(new TemplateStore.Registration(null, "", "base", TestServer.build("0.6.13")));
        }
        try (SqlStore second = SqlStore.openSqlite(file)) {
            assertThat(second.templates().byAlias("", "base")).isPresent();
        }
    }
}

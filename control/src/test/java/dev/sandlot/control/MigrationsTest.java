package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationsTest {
    @TempDir
    Path directory;

    /** The numbers of the changes that there are, from the first to the last. */
    static List<Integer> versions() {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources/dev/sandlot/control/migrations"))) {
            return files.map(file -> file.getFileName().toString())
                    .map(name -> Integer.valueOf(name.substring(1, name.indexOf("__"))))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String newest() {
        return String.valueOf(versions().getLast());
    }

    @Test
    void noNumberIsUsedTwice() {
        assertThat(versions()).isNotEmpty().doesNotHaveDuplicates();
    }

    /** Else a start would take an old database for a current one. */
    @Test
    void theNewestIsKnownByName() {
        assertThat(Migrations.NEWEST).isEqualTo(newest());
    }

    @Test
    void aStartAsksFlywayOnlyWhenTheNewestIsMissing() throws Exception {
        DataSource source = SqlStore.sqliteForMigration(directory.resolve("a.db"));
        Migrations.ensure(source);
        execute(source, "UPDATE flyway_schema_history SET checksum = 1");
        Migrations.ensure(source);
        execute(source, "DELETE FROM flyway_schema_history WHERE version = '" + newest() + "'");
        assertThatThrownBy(() -> Migrations.ensure(source))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("checksum");
    }

    private static void execute(DataSource source, String statement) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement all = connection.createStatement()) {
            all.execute(statement);
        }
    }

    @Test
    void aSqliteFileIsBroughtUpToDateOnce() {
        StoreLocation file = new StoreLocation.SqliteFile(directory.resolve("a.db"));
        assertThat(file.migrate())
                .isEqualTo(
                        new SchemaChange(SchemaChange.NONE, newest(), versions().size()));
        assertThat(file.migrate()).isEqualTo(new SchemaChange(newest(), newest(), 0));
    }

    @Test
    void aFileThatIsNoDatabaseIsRefused() throws IOException {
        Path file = Files.writeString(directory.resolve("text.db"), "no database ".repeat(200));
        assertThatThrownBy(() -> new StoreLocation.SqliteFile(file).migrate()).isInstanceOf(StoreException.class);
    }
}

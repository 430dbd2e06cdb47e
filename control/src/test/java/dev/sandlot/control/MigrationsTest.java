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
import java.util.Random;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationsTest {
    /** A change that only a later version knows. */
    static final String FROM_THE_FUTURE = """
            INSERT INTO flyway_schema_history
                (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
            VALUES (999, '999', 'later', 'SQL', 'V999__later.sql', 1, 'x', 1, true)
            """;

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
    void aFileOfANewerProgramIsRefusedWithBothVersions() throws SQLException {
        StoreLocation.SqliteFile file = new StoreLocation.SqliteFile(directory.resolve("a.db"));
        file.migrate();
        execute(SqlStore.sqliteForMigration(file.file()), FROM_THE_FUTURE);
        StoreUse any = new StoreUse(directory, null);
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> file.open(any), file::migrate, file::look)) {
            assertThatThrownBy(use)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("version 999 ")
                    .hasMessageContaining("knows " + newest());
        }
    }

    /** A start without the settings of the store makes none beside the right one. */
    @Test
    void aFileThatIsNotTheDataDirectorysStoreIsNotMadeAndNotOpened() {
        StoreLocation.SqliteFile file = new StoreLocation.SqliteFile(directory.resolve("a.db"));
        StoreUse other = new StoreUse(directory, "the ID of another store");
        assertThatThrownBy(() -> file.open(other))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("--new-store");
        assertThat(directory).isEmptyDirectory();
        String id;
        try (Store store = file.open(new StoreUse(directory, null))) {
            id = store.id();
        }
        assertThatThrownBy(() -> file.open(other))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining(id);
        file.open(new StoreUse(directory, id)).close();
        assertThatThrownBy(() -> new StoreLocation.Memory().open(other)).isInstanceOf(StoreException.class);
    }

    @Test
    void aFileIsReadWhenItIsLookedAtAndNothingIsLeftBesideIt() throws IOException {
        StoreLocation.SqliteFile file = new StoreLocation.SqliteFile(directory.resolve("a.db"));
        assertThat(file.look()).contains("the first start makes");
        file.open(new StoreUse(directory, null)).close();
        List<Path> before = files();
        assertThat(file.look()).contains("is sound");
        assertThat(files()).isEqualTo(before);
        byte[] noise = new byte[50_000];
        new Random(1).nextBytes(noise);
        Files.write(file.file(), noise);
        assertThatThrownBy(file::look).isInstanceOf(StoreException.class).hasMessageContaining("cannot be read");
        assertThatThrownBy(() -> file.open(new StoreUse(directory, null)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("cannot be read");
        assertThat(file.file()).hasBinaryContent(noise);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }

    @Test
    void aFileThatIsNoDatabaseIsRefused() throws IOException {
        Path file = Files.writeString(directory.resolve("text.db"), "no database ".repeat(200));
        assertThatThrownBy(() -> new StoreLocation.SqliteFile(file).migrate()).isInstanceOf(StoreException.class);
    }
}

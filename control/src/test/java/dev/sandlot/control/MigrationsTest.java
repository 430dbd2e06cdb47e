package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationsTest {
    @TempDir
    Path directory;

    @Test
    void everyFileIsListedInOrder() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources/dev/sandlot/control/migrations"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Migrations.FILES);
        }
        assertThat(Migrations.FILES)
                .extracting(file -> Integer.valueOf(file.substring(1, file.indexOf("__"))))
                .isSorted()
                .doesNotHaveDuplicates();
    }

    @Test
    void aSqliteFileIsBroughtUpToDateOnce() {
        StoreLocation file = new StoreLocation.SqliteFile(directory.resolve("a.db"));
        assertThat(file.migrate().applied()).isEqualTo(Migrations.FILES.size());
        assertThat(file.migrate()).isEqualTo(new SchemaChange(Migrations.newest(), Migrations.newest(), 0));
    }

    @Test
    void aFileThatIsNoDatabaseIsRefused() throws IOException {
        Path file = Files.writeString(directory.resolve("text.db"), "no database ".repeat(200));
        assertThatThrownBy(() -> new StoreLocation.SqliteFile(file).migrate()).isInstanceOf(StoreException.class);
    }

    @Test
    void everyTableOfThePrintedSchemaIsClosedToOthers() {
        String printed = StoreLocation.printedSchema();
        long tables =
                printed.lines().filter(line -> line.startsWith("CREATE TABLE")).count();
        long closed = printed.lines()
                .filter(line -> line.endsWith("ENABLE ROW LEVEL SECURITY;"))
                .count();
        assertThat(closed).isEqualTo(tables).isGreaterThan(8);
    }
}

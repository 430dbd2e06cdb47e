package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The store in a SQLite file on a disk that somebody has filled, and who takes at once whatever is freed. */
@Tag("kernel")
class FullDiskStoreTest {
    private static final int CHANGES = 2000;
    private static final int KILLED = 9;

    @TempDir
    Path directory;

    private Path disk;

    @BeforeEach
    void mountDisk() throws Exception {
        disk = Files.createDirectory(directory.resolve("disk"));
        boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=24m", "none", disk.toString()) == 0;
        assumeTrue(mounted, "a file system of fixed size cannot be mounted here");
    }

    @AfterEach
    void unmountDisk() throws Exception {
        run("umount", disk.toString());
    }

    private static int run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        return process.exitValue();
    }

    private Path file() {
        return disk.resolve("store.db");
    }

    private void fill() throws IOException {
        try (FileChannel hog = FileChannel.open(
                disk.resolve("hog"), StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            while (true) {
                hog.write(ByteBuffer.allocate(4096));
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }

    private void free() throws IOException {
        Files.delete(disk.resolve("hog"));
    }

    private static void change(Store store, int number) {
        store.teams().putTier(new TeamStore.Tier("t" + number % 10, new Team.Limits(1 + number, 1)));
    }

    private static void changeOften(Store store) {
        for (int i = 0; i < CHANGES; i++) {
            change(store, i);
        }
    }

    @Test
    void changesGoOnWhenTheDiskIsFull() throws Exception {
        try (Store store = SqlStore.openSqlite(file())) {
            changeOften(store);
            fill();
            changeOften(store);
            assertThat(store.teams().tiers()).hasSizeGreaterThanOrEqualTo(10);
        }
    }

    @Test
    void aStoreThatWasClosedOpensOnAFullDisk() throws Exception {
        try (Store store = SqlStore.openSqlite(file())) {
            changeOften(store);
            fill();
        }
        fill();
        for (int start = 0; start < 3; start++) {
            try (Store store = SqlStore.openSqlite(file())) {
                changeOften(store);
            }
            fill();
        }
    }

    @Test
    void aStoreOfAKilledServerOpensOnAFullDiskWithAllThatWasWritten() throws Exception {
        for (int start = 0; start < 3; start++) {
            assertThat(startAndKill(file())).isEqualTo(KILLED);
            fill();
        }
        try (Store store = SqlStore.openSqlite(file())) {
            assertThat(store.teams().tiers().stream().map(TeamStore.Tier::id)).contains("killed");
            changeOften(store);
        }
    }

    private static int startAndKill(Path file) throws IOException, InterruptedException {
        return run(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Killed.class.getName(),
                file.toString());
    }

    /** A server that is killed as soon as it has written something. */
    static final class Killed {
        private Killed() {}

        public static void main(String[] arguments) {
            Store store = SqlStore.openSqlite(Path.of(arguments[0]));
            changeOften(store);
            store.teams().putTier(new TeamStore.Tier("killed", new Team.Limits(1, 1)));
            Runtime.getRuntime().halt(KILLED);
        }
    }

    @Test
    void nothingOldIsTakenForAChangeWhenAnotherDatabaseIsPutInItsPlace() throws Exception {
        Path backup = directory.resolve("backup.db");
        try (Store store = SqlStore.openSqlite(file())) {
            change(store, 1);
        }
        Files.copy(file(), backup);
        try (Store store = SqlStore.openSqlite(file())) {
            changeOften(store);
        }
        Files.delete(file());
        Files.copy(backup, file());
        try (Store store = SqlStore.openSqlite(file())) {
            assertThat(store.teams().tiers().stream().map(TeamStore.Tier::id))
                    .contains("t1")
                    .doesNotContain("t2");
        }
    }

    @Test
    void aStoreThatHasNoRoomOfItsOwnSaysWhyItRefusesAndGoesOnOnceThereIsSome() throws Exception {
        try (Store store = SqlStore.openSqlite(file())) {
            change(store, 1);
        }
        Files.delete(disk.resolve("store.db-reserve"));
        fill();
        try (Store store = SqlStore.openSqlite(file())) {
            assertThatThrownBy(() -> changeOften(store))
                    .isInstanceOfSatisfying(RuntimeException.class, FullDiskStoreTest::hasReason);
            free();
            changeOften(store);
        }
    }

    private static void hasReason(RuntimeException failure) {
        assertThat(StoreTrouble.answer(failure)).hasValueSatisfying(answer -> {
            assertThat(answer.kind()).isEqualTo(ErrorKind.UNAVAILABLE);
            assertThat(answer.text()).contains("no room");
        });
    }
}

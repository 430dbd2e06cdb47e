package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ten thousand calls on paths that a hostile sandbox leads elsewhere while they run: nothing outside is touched. */
@Tag("kernel")
@Timeout(300)
class SymlinkRaceTest {
    private static final int CALLS = 10_000;
    /** Where the scheduler lets calls and swaps miss each other. */
    private static final int MOST_CALLS = 20 * CALLS;

    private static final String MARK = "sandlot-race-" + ProcessHandle.current().pid() + "-";

    private FilesFixture sandbox;
    private String users;
    private Path outside;
    private final AtomicBoolean running = new AtomicBoolean(true);
    private final AtomicInteger swaps = new AtomicInteger();

    @BeforeEach
    void open(@TempDir Path base) throws Exception {
        outside = Files.createDirectories(base.resolve("outside"));
        Files.writeString(outside.resolve("passwd"), "of the machine");
        sandbox = new FilesFixture(Files.createDirectories(base.resolve("root")));
        users = Files.readString(sandbox.at("/etc/passwd"));
        Files.createDirectories(sandbox.at("/tmp/swapped/deep"));
        Files.createDirectories(sandbox.at("/proc"));
        run("mount", "-t", "proc", "-o", "nosuid", "proc", sandbox.at("/proc").toString());
    }

    @AfterEach
    void close() throws Exception {
        run("umount", sandbox.at("/proc").toString());
        sandbox.close();
    }

    @Test
    void nothing_outside_is_touched_while_directories_become_links() throws Exception {
        String machine = Files.readString(Path.of("/etc/passwd"));
        List<String> before = names(Path.of("/etc"));
        Thread hostile = Thread.ofPlatform().start(this::swapOn);
        int read = 0;
        int stored = 0;
        try {
            boolean raced = false;
            for (int i = 0; i < CALLS || !raced && i < MOST_CALLS; i++) {
                raced = stored > 0 && read > 0 && swaps.get() > 100;
                switch (i % 5) {
                    case 0 -> stored += upload("/tmp/swapped/" + MARK + i) + upload("/tmp/swapped/deep/" + MARK + i);
                    case 1 -> read += readPasswd(machine);
                    case 2 -> list();
                    case 3 -> move(i);
                    default -> remove("/tmp/swapped/" + MARK + (i - 4));
                }
                if (i % 50 == 49) {
                    remove("/tmp/swapped/deep");
                }
            }
        } finally {
            running.set(false);
            hostile.join();
        }
        assertThat(stored).isPositive();
        assertThat(read).isPositive();
        assertThat(swaps.get()).isGreaterThan(100);
        assertThat(names(outside)).containsExactly("passwd");
        assertThat(outside.resolve("passwd")).hasContent("of the machine");
        assertThat(Path.of("/etc/passwd")).hasContent(machine);
        assertThat(names(Path.of("/etc"))).isEqualTo(before);
        for (Path above : List.of(Path.of("/"), outside.getParent(), Path.of("/tmp"), Path.of("/deep"))) {
            assertThat(names(above)).noneMatch(name -> name.startsWith(MARK));
        }
    }

    private void swapOn() {
        List<Path> targets = List.of(
                Path.of("/etc"),
                Path.of("/proc/1/root"),
                Path.of("/proc/1/root/etc"),
                Path.of(".."),
                Path.of("../../../../../../.."),
                outside,
                Path.of("/proc/self/cwd"));
        Path directory = sandbox.at("/tmp/swapped");
        Path aside = sandbox.at("/tmp/aside");
        for (int i = 0; running.get(); i++) {
            try {
                Files.move(directory, aside);
                Files.createSymbolicLink(directory, targets.get(i % targets.size()));
                Thread.yield();
                Files.delete(directory);
                Files.move(aside, directory);
                swaps.incrementAndGet();
            } catch (IOException _) {
                startOver(directory, aside);
            }
        }
    }

    /** The calls make directories too, in the moments between. */
    private static void startOver(Path directory, Path aside) {
        try {
            if (Files.isSymbolicLink(directory)) {
                Files.delete(directory);
            }
            if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
                removeTree(aside);
            } else if (Files.isDirectory(aside, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(aside, directory);
            } else {
                Files.createDirectory(directory);
            }
        } catch (IOException _) {
            Thread.yield();
        }
    }

    private static void removeTree(Path tree) throws IOException {
        if (Files.notExists(tree, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private int upload(String path) {
        return sandbox.upload(FilesFixture.put(path, "written")).status() == 200 ? 1 : 0;
    }

    private int readPasswd(String machine) throws IOException {
        Answer exchange = sandbox.download(FilesFixture.get("/tmp/swapped/passwd"));
        assertThat(exchange.text()).isNotEqualTo(machine).isNotEqualTo("of the machine");
        return exchange.status() == 200 ? 1 : 0;
    }

    private void list() {
        try {
            assertThat(sandbox.service
                            .listDir(
                                    ListDirRequest.newBuilder()
                                            .setPath("/tmp/swapped")
                                            .setDepth(2)
                                            .build(),
                                    null)
                            .getEntriesList())
                    .extracting(EntryInfo::getName)
                    .doesNotContain("shadow", "outside");
        } catch (ConnectException e) {
            assertThat(e.text()).isNotEmpty();
        }
    }

    private void move(int i) throws IOException {
        rename("/tmp/swapped/" + MARK + (i - 3), "/tmp/swapped/deep/" + MARK + "moved" + i);
        rename("/tmp/swapped/passwd", "/tmp/swapped/" + MARK + "passwd");
        rename("/tmp/swapped/" + MARK + "passwd", "/tmp/swapped/passwd");
        keepUsers();
    }

    /** The file may have been moved while the link led to the sandbox's own {@code /etc}, and not back. */
    private void keepUsers() throws IOException {
        if (Files.notExists(sandbox.at("/etc/passwd"))) {
            Files.writeString(sandbox.at("/etc/passwd"), users);
        }
    }

    private void rename(String from, String to) {
        try {
            sandbox.service.move(
                    MoveRequest.newBuilder().setSource(from).setDestination(to).build(), null);
        } catch (ConnectException e) {
            assertThat(e.text()).isNotEmpty();
        }
    }

    private void remove(String path) {
        try {
            sandbox.service.remove(RemoveRequest.newBuilder().setPath(path).build(), null);
        } catch (ConnectException e) {
            assertThat(e.text()).isNotEmpty();
        }
    }

    private static List<String> names(Path directory) throws IOException {
        if (Files.notExists(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}

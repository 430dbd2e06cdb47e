package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No request reaches anything outside the root, whatever the sandbox does meanwhile. */
class EscapeTest {
    private static final int ROUNDS = 400;

    private FilesFixture sandbox;
    private Path outside;

    @BeforeEach
    void open(@TempDir Path base) throws IOException {
        outside = Files.createDirectories(base.resolve("outside"));
        Files.writeString(outside.resolve("secret"), "secret");
        Files.writeString(outside.resolve("only-outside"), "");
        sandbox = new FilesFixture(Files.createDirectories(base.resolve("root")));
        Files.createDirectories(sandbox.at("/tmp"));
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/../outside/secret", "/tmp/../../outside/secret", "/tmp/abs", "/tmp/up", "/tmp/dir/secret"})
    void links_and_dots_stay_inside(String path) throws IOException {
        Files.createSymbolicLink(sandbox.at("/tmp/abs"), outside.resolve("secret"));
        Files.createSymbolicLink(sandbox.at("/tmp/up"), Path.of("../../outside/secret"));
        Files.createSymbolicLink(sandbox.at("/tmp/dir"), outside);
        assertThat(sandbox.download(FilesFixture.get(path)).status()).isEqualTo(404);
        sandbox.upload(FilesFixture.put(path, "overwritten"));
        sandbox.compose("{\"source_paths\":[\"/etc/group\"],\"destination\":\"" + path + "\"}");
        assertOutsideUntouched();
    }

    @Test
    @InProcessOnly("opens files by SandboxFiles itself, below the machine's own root")
    void magic_links_lead_nowhere() throws IOException {
        try (SandboxFiles machine = new SandboxFiles(FileTree.directory("/"), IdRange.SAME);
                Fd _ = machine.handle("/proc/self/status")) {
            assertThatThrownBy(() -> machine.handle("/proc/self/root/etc"))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno().name()).isEqualTo("ELOOP"));
            assertThatThrownBy(() -> machine.handle("/proc/self/fd/0")).isInstanceOf(LinuxException.class);
        }
    }

    @Test
    void a_directory_that_becomes_a_link_while_in_use_leads_nowhere() throws Exception {
        Path dir = sandbox.at("/tmp/swapped");
        Path aside = sandbox.at("/tmp/aside");
        Files.createDirectories(dir.resolve("deep"));
        AtomicBoolean running = new AtomicBoolean(true);
        Thread swapper = Thread.ofPlatform().start(() -> {
            while (running.get()) {
                swap(dir, aside);
            }
        });
        try {
            for (int i = 0; i < ROUNDS; i++) {
                sandbox.upload(FilesFixture.put("/tmp/swapped/secret", "overwritten"));
                sandbox.upload(FilesFixture.put("/tmp/swapped/deep/n" + i, "new"));
                assertThat(sandbox.download(FilesFixture.get("/tmp/swapped/secret"))
                                .text())
                        .doesNotContain("secret\"")
                        .isNotEqualTo("secret");
                assertThat(listed("/tmp")).noneMatch(path -> path.endsWith("/only-outside"));
                removeQuietly("/tmp/swapped/deep");
                removeQuietly("/tmp/swapped");
                removeQuietly("/tmp/aside");
                Files.createDirectories(sandbox.at("/tmp/fresh" + i + "/deep"));
                move("/tmp/fresh" + i, "/tmp/swapped");
            }
        } finally {
            running.set(false);
            swapper.join();
        }
        assertOutsideUntouched();
    }

    private void swap(Path dir, Path aside) {
        try {
            Files.move(dir, aside);
            Files.createSymbolicLink(dir, outside);
            Thread.yield();
            Files.delete(dir);
            Files.move(aside, dir);
        } catch (IOException _) {
            Thread.yield();
        }
    }

    private void move(String from, String to) {
        try {
            sandbox.service.move(
                    MoveRequest.newBuilder().setSource(from).setDestination(to).build(), null);
        } catch (ConnectException _) {
            removeQuietly(from);
        }
    }

    private List<String> listed(String path) {
        try {
            return sandbox
                    .service
                    .listDir(
                            ListDirRequest.newBuilder()
                                    .setPath(path)
                                    .setDepth(5)
                                    .build(),
                            null)
                    .getEntriesList()
                    .stream()
                    .map(entry -> entry.getPath())
                    .toList();
        } catch (ConnectException _) {
            return List.of();
        }
    }

    private void removeQuietly(String path) {
        try {
            sandbox.service.remove(RemoveRequest.newBuilder().setPath(path).build(), null);
        } catch (ConnectException e) {
            assertThat(e.text()).isNotEmpty();
        }
    }

    private void assertOutsideUntouched() throws IOException {
        try (var files = Files.list(outside)) {
            assertThat(files.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("secret", "only-outside");
        }
        assertThat(outside.resolve("secret")).hasContent("secret");
    }
}

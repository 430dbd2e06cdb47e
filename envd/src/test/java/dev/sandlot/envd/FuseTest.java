package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.filesystem.CreateWatcherRequest;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.GetWatcherEventsRequest;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.StatRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files that a program serves (envd.md 6.3, P12): {@code bindfs} shows one directory at another. */
@Tag("kernel")
@Timeout(120)
class FuseTest {
    private FilesFixture sandbox;
    private Path mounted;
    private Process server;

    @BeforeEach
    void mount(@TempDir Path root) throws Exception {
        sandbox = new FilesFixture(root);
        Files.createDirectories(sandbox.at("/behind/dir"));
        Files.writeString(sandbox.at("/behind/file"), "content");
        mounted = Files.createDirectories(sandbox.at("/mnt"));
        server = new ProcessBuilder(
                        "bindfs",
                        "-f",
                        "-o",
                        "attr_timeout=0,entry_timeout=0",
                        sandbox.at("/behind").toString(),
                        mounted.toString())
                .inheritIO()
                .start();
        while (Files.notExists(mounted.resolve("file"))) {
            assertThat(server.isAlive()).isTrue();
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    @AfterEach
    void unmount() throws Exception {
        server.destroyForcibly().waitFor();
        sandbox.close();
        assertThat(new ProcessBuilder("umount", "--lazy", mounted.toString())
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();
    }

    @Test
    void P12_a_watch_needs_to_be_allowed_there() throws Exception {
        ConnectException refused = catchThrowableOfType(ConnectException.class, () -> watch(false));
        assertThat(refused.code()).isEqualTo(ConnectCode.INVALID_ARGUMENT);
        assertThat(refused.text()).contains("network mount").contains("/mnt");
        String id = watch(true);
        assertThat(sandbox.upload(FilesFixture.put("/mnt/new", "x")).status()).isEqualTo(200);
        assertThat(sandbox.service
                        .getWatcherEvents(GetWatcherEventsRequest.newBuilder()
                                .setWatcherId(id)
                                .build())
                        .getEventsList())
                .first()
                .satisfies(event -> assertThat(event.getName()).isEqualTo("new"))
                .satisfies(event -> assertThat(event.getType().name()).isEqualTo("EVENT_TYPE_CREATE"));
    }

    @Test
    void P12_files_are_listed_read_and_written_there() throws Exception {
        assertThat(sandbox.upload(FilesFixture.put("/mnt/deep/er/new", "written"))
                        .status())
                .isEqualTo(200);
        assertThat(sandbox.at("/behind/deep/er/new")).hasContent("written");
        assertThat(sandbox.download(FilesFixture.get("/mnt/file")).text()).isEqualTo("content");
        ListDirRequest list =
                ListDirRequest.newBuilder().setPath("/mnt").setDepth(3).build();
        assertThat(sandbox.service.listDir(list, null).getEntriesList())
                .extracting(EntryInfo::getPath)
                .containsExactly("/mnt/deep", "/mnt/deep/er", "/mnt/deep/er/new", "/mnt/dir", "/mnt/file");
    }

    @Test
    void a_file_system_whose_program_has_died_is_an_error_at_once() throws Exception {
        server.destroyForcibly().waitFor();
        ConnectException gone = catchThrowableOfType(ConnectException.class, () -> stat("/mnt/file"));
        assertThat(gone.code()).isEqualTo(ConnectCode.INTERNAL);
        assertThat(gone.text()).contains("ENOTCONN");
        assertThat(sandbox.download(FilesFixture.get("/mnt/file")).status()).isEqualTo(500);
        assertThat(sandbox.upload(FilesFixture.put("/mnt/file", "x")).status()).isEqualTo(500);
        assertThat(stat("/behind/file").getSize()).isEqualTo(7);
    }

    @Test
    @InProcessOnly("shortens the time that files have")
    void calls_on_a_file_system_that_does_not_answer_end_in_time_and_hold_nobody_else_up(@TempDir Path elsewhere)
            throws Exception {
        Files.createDirectories(elsewhere.resolve("etc"));
        Files.copy(sandbox.at("/etc/passwd"), elsewhere.resolve("etc/passwd"));
        EnvdConfig config = new EnvdConfig(new SandboxId("itest"), "base", Map.of(), null, "user", "");
        try (InProcessEnvd stuck = new InProcessEnvd(sandbox.root, config, Duration.ofMillis(500));
                InProcessEnvd other = new InProcessEnvd(elsewhere, config)) {
            signal("STOP");
            FilesystemClient there = new FilesystemClient(exchange -> Answer.of(stuck, exchange));
            FilesystemClient here = new FilesystemClient(exchange -> Answer.of(other, exchange));
            List<CompletableFuture<ConnectCode>> calls = Stream.generate(() -> later(() -> code(there, "/mnt/file")))
                    .limit(100)
                    .toList();
            for (int i = 0; i < 200; i++) {
                long begun = System.nanoTime();
                assertThat(here.stat(request("/etc/passwd"), null).getEntry().getSize())
                        .isPositive();
                assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(2));
            }
            for (CompletableFuture<ConnectCode> call : calls) {
                assertThat(call.get(20, TimeUnit.SECONDS)).isEqualTo(ConnectCode.DEADLINE_EXCEEDED);
            }
            assertThat(Answer.of(stuck, FilesFixture.get("/mnt/file")).status()).isEqualTo(504);
            assertThat(Answer.of(stuck, FilesFixture.put("/mnt/file", "x")).text())
                    .isEqualTo(
                            "{\"code\":504,\"message\":\"a file system of the sandbox did not answer within 500 ms\"}\n");
            MemoryExchange watch = MemoryExchange.of(
                            "POST",
                            "/filesystem.Filesystem/WatchDir",
                            TestStream.frame("{\"path\":\"/mnt/dir\",\"allowNetworkMounts\":true}"))
                    .header("Content-Type", "application/connect+json");
            assertThat(Answer.of(stuck, watch).text()).contains("\"code\":\"deadline_exceeded\"");
            signal("CONT");
            while (code(there, "/mnt/file") != null) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            signal("STOP");
            CompletableFuture<ConnectCode> last = later(() -> code(there, "/mnt/file"));
            assertThat(last.get(20, TimeUnit.SECONDS)).isEqualTo(ConnectCode.DEADLINE_EXCEEDED);
        }
    }

    private static <T> CompletableFuture<T> later(Supplier<T> action) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try {
                future.complete(action.get());
            } catch (RuntimeException | Error e) {
                future.completeExceptionally(e);
            }
        });
        return future;
    }

    /** The error of a call, or null. */
    private static ConnectCode code(FilesystemClient client, String path) {
        try {
            client.stat(request(path), null);
            return null;
        } catch (ConnectException e) {
            return e.code();
        }
    }

    private void signal(String name) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(server.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    private static StatRequest request(String path) {
        return StatRequest.newBuilder().setPath(path).build();
    }

    private String watch(boolean allowed) throws ConnectException {
        return sandbox.service
                .createWatcher(CreateWatcherRequest.newBuilder()
                        .setPath("/mnt")
                        .setAllowNetworkMounts(allowed)
                        .build())
                .getWatcherId();
    }

    private EntryInfo stat(String path) throws ConnectException {
        return sandbox.service.stat(request(path), null).getEntry();
    }
}

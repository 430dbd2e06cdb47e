package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands as processes, around a server without sandboxes. Needs root because {@code up} does. */
@Tag("kernel")
class ServerLifecycleTest {
    @TempDir
    private Path directory;

    @AfterEach
    void stop() throws Exception {
        sandlot("down");
    }

    private List<String> jvmOptions = List.of();

    private record Result(int code, String output) {}

    @Test
    void aDetachedServerServesUntilDownEndsItWithItsSandboxes() throws Exception {
        Result up = sandlot("up", "--detach");
        assertThat(up.output()).contains("making the base template", "export E2B_API_KEY=" + TestServer.KEY);
        assertThat(up.code()).isZero();
        assertThat(Files.readString(directory.resolve("data/server.log"))).doesNotContain(TestServer.KEY);

        Result again = sandlot("up");
        assertThat(again.output()).contains("runs already");
        assertThat(again.code()).isZero();
        assertThat(sandlot("status").code()).isZero();

        assertThat(sandlot("down").code()).isZero();
        assertThat(directory.resolve("closed")).hasContent("END");
        assertThat(sandlot("status").code()).isEqualTo(ExitCode.NOT_RUNNING);
        assertThat(sandlot("env").code()).isZero();
    }

    @Test
    void aTerminatedServerKeepsItsSandboxesAndEndsWell() throws Exception {
        Process server = start("up");
        awaitServing(server);

        server.destroy();

        assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(server.exitValue()).isZero();
        assertThat(directory.resolve("closed")).hasContent("KEEP");
        assertThat(Files.readString(directory.resolve("output"))).contains("2 sandboxes keep running");
    }

    @Test
    void downCanKeepTheSandboxes() throws Exception {
        assertThat(sandlot("up", "--detach").code()).isZero();

        assertThat(sandlot("down", "--keep-sandboxes").code()).isZero();

        assertThat(directory.resolve("closed")).hasContent("KEEP");
    }

    @Test
    void aDetachedStartThatFailsSaysWhy() throws Exception {
        Files.createFile(directory.resolve("broken"));

        Result up = sandlot("up", "--detach");

        assertThat(up.code()).isEqualTo(ExitCode.FAILED);
        assertThat(up.output()).contains("before it served", "could not make the base template: no network");
    }

    @Test
    void aKilledServerIsNotTakenForARunningOne() throws Exception {
        Process server = start("up");
        awaitServing(server);

        server.destroyForcibly().waitFor();

        assertThat(sandlot("status").code()).isEqualTo(ExitCode.NOT_RUNNING);
        assertThat(sandlot("up", "--detach").code()).isZero();
    }

    @Test
    void aStartCacheThatTheJvmRefusesIsRemoved() throws Exception {
        Path cache = Files.writeString(directory.resolve("start-1.jsa"), "of another time");
        jvmOptions = List.of("-Dsandlot.start.cache=" + cache, "-XX:SharedArchiveFile=" + cache);
        Process server = start("up");
        awaitServing(server);

        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (Files.exists(cache) && System.nanoTime() < deadline) {
            assertThat(sandlot("status").code()).isZero();
        }

        assertThat(cache).doesNotExist();
        assertThat(Files.readString(directory.resolve("output"))).contains(cache + " does not fit");
    }

    private void awaitServing(Process server) throws Exception {
        while (sandlot("status").code() != ExitCode.OK) {
            assertThat(server.isAlive()).as("the server lives").isTrue();
        }
    }

    private Result sandlot(String... arguments) throws Exception {
        Path output = Files.createTempFile(directory, "command", ".out");
        Process process = builder(output, arguments).start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Result(process.exitValue(), Files.readString(output));
    }

    private Process start(String... arguments) throws IOException {
        return builder(directory.resolve("output"), arguments).start();
    }

    private ProcessBuilder builder(Path output, String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-XX:TieredStopAtLevel=1"));
        command.addAll(jvmOptions);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--data-dir", directory.resolve("data").toString()));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment()
                .putAll(Map.of("SANDLOT_RUN_DIR", directory.resolve("run").toString()));
        return builder;
    }
}

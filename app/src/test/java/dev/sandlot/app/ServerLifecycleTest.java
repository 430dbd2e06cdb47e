package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
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
    private final Map<String, String> environment = new HashMap<>();

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
        assertThat(up.output().lines())
                .containsOnlyOnce("sandlot: could not make the base template: no network")
                .endsWith("(its log: " + directory.resolve("data/server.log") + ")")
                .noneMatch(line -> line.contains("INFO"));
    }

    @Test
    void downStopsAServerThatStartsAndThoseThatWaitForIt() throws Exception {
        Process first = startSlowly();
        Process second = builder(directory.resolve("second"), "up").start();
        await(() -> Files.readString(directory.resolve("second"))
                .contains("waiting for `sandlot up` (process " + first.pid() + ")"));

        Result down = sandlot("down");

        assertThat(down.output())
                .contains(
                        "Stopped a server that was starting, process " + first.pid(),
                        "Stopped a server that was starting, process " + second.pid());
        assertThat(down.code()).isZero();
        assertThat(first.waitFor()).isEqualTo(ExitCode.FAILED);
        assertThat(second.waitFor()).isEqualTo(ExitCode.FAILED);
        assertThat(directory.resolve("data/staging")).doesNotExist();
        for (String output : List.of("output", "second")) {
            assertThat(Files.readString(directory.resolve(output))).contains("sandlot: stopped before it served");
        }
    }

    @Test
    void downStopsAStartInTheBackground() throws Exception {
        Files.createFile(directory.resolve("slow"));
        Process up = start("up", "--detach");
        await(() -> Files.exists(directory.resolve("data/staging")));

        assertThat(sandlot("down").output()).containsOnlyOnce("Stopped a server that was starting");

        assertThat(up.waitFor()).isEqualTo(ExitCode.FAILED);
        assertThat(Files.readString(directory.resolve("output"))).contains("sandlot: stopped before it served");
        assertThat(directory.resolve("data/staging")).doesNotExist();
    }

    @Test
    void ctrlCOfAStartLeavesNothing() throws Exception {
        Process up = startSlowly();

        new ProcessBuilder("kill", "-INT", Long.toString(up.pid())).start().waitFor();

        assertThat(up.waitFor()).isEqualTo(ExitCode.FAILED);
        assertThat(directory.resolve("data/staging")).doesNotExist();
        assertThat(sandlot("status").output()).contains("not running");
    }

    @Test
    void ctrlCOfAStartInTheBackgroundStopsIt() throws Exception {
        Files.createFile(directory.resolve("slow"));
        Process up = start("up", "--detach");
        await(() -> Files.exists(directory.resolve("data/staging")));

        up.destroy();
        up.waitFor();

        await(() -> sandlot("status").output().contains("not running"));
        assertThat(directory.resolve("data/staging")).doesNotExist();
    }

    @Test
    void purgeStopsAServerThatStarts() throws Exception {
        Process up = startSlowly();

        Result purge = sandlot("purge", "--yes");

        assertThat(purge.output()).contains("nothing of it is left");
        assertThat(purge.code()).isZero();
        assertThat(up.waitFor()).isEqualTo(ExitCode.FAILED);
        assertThat(directory.resolve("data")).doesNotExist();
        assertThat(directory.resolve("run")).doesNotExist();
    }

    @Test
    void upGivesWayToAPurge() throws Exception {
        assertThat(sandlot("up", "--detach").code()).isZero();
        assertThat(sandlot("down").code()).isZero();
        Process other = new ProcessBuilder("sleep", "600").start();
        try {
            new JsonFile(directory.resolve("run/commands/" + other.pid() + ".json"))
                    .write(new ActiveCommands.Active(
                            "purge", ProcessIdentity.of(other.pid()).orElseThrow()));

            for (Result up : List.of(sandlot("up"), sandlot("up", "--detach"))) {
                assertThat(up.output()).contains("`sandlot purge` (process " + other.pid() + ") is removing");
                assertThat(up.code()).isEqualTo(ExitCode.FAILED);
            }
        } finally {
            other.destroyForcibly().waitFor();
        }
        assertThat(sandlot("up", "--detach").code()).isZero();
    }

    @Test
    void whatIsInTheWayIsToldAtOnceAndFirst() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                ServerSocket refusing = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = Integer.toString(taken.getLocalPort());
            String database = "postgres://a:b@127.0.0.1:" + refusing.getLocalPort() + "/c";
            refusing.close();
            environment.put("DATABASE_URL", database);

            Result up = sandlot("up", "--debug-port", port);

            assertThat(up.output())
                    .contains(
                            "port " + port + " of 127.0.0.1 is taken by process "
                                    + ProcessHandle.current().pid() + " (java)",
                            "listen.debug-port (now from flag) is changed by --debug-port, SANDLOT_LISTEN_DEBUG_PORT,"
                                    + " E2B_ENVD_PORT or in ",
                            "could not reach PostgreSQL",
                            "secrets.database-url (now from environment DATABASE_URL) is changed by")
                    .doesNotContain("making the base template", "a:b@");
            assertThat(up.code()).isEqualTo(ExitCode.FAILED);
        }
    }

    @Test
    void oneServerCannotHaveOnePortTwice() throws Exception {
        Result up = sandlot("up", "--port", "7201", "--traffic-port", "7201");

        assertThat(up.output()).contains("port 7201 is both listen.api-port and listen.traffic-port");
        assertThat(up.code()).isEqualTo(ExitCode.FAILED);
    }

    private Process startSlowly() throws Exception {
        Files.createFile(directory.resolve("slow"));
        Process up = start("up");
        await(() -> Files.exists(directory.resolve("data/staging")));
        return up;
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            Thread.sleep(50);
        }
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
                .putAll(Map.of(
                        "SANDLOT_RUN_DIR",
                        directory.resolve("run").toString(),
                        "SANDLOT_LISTEN_API_PORT",
                        "0",
                        "SANDLOT_LISTEN_TRAFFIC_PORT",
                        "0",
                        "SANDLOT_LISTEN_DEBUG_PORT",
                        "0"));
        builder.environment().putAll(environment);
        return builder;
    }
}

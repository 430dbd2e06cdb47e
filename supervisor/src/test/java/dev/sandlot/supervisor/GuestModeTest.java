package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The supervisor of a guest (docs/guest.md), which is not PID 1 here and keeps a program of the shell running. */
@Tag("kernel")
@Timeout(60)
class GuestModeTest {
    @TempDir
    Path directory;

    private final List<Process> started = new ArrayList<>();
    private EventLoop loop;

    @BeforeEach
    void prepare() throws Exception {
        loop = EventLoop.start("test");
        SupervisorBinary.installTo(directory.resolve("supervisor"));
    }

    @AfterEach
    void stop() {
        started.stream().flatMap(Process::descendants).forEach(ProcessHandle::destroyForcibly);
        started.forEach(Process::destroyForcibly);
        loop.close();
    }

    @Test
    void itEndsWithAProgramThatIsDoneOrHasWrongSettings() throws Exception {
        assertThat(guest("exit 0").waitFor()).isZero();
        assertThat(guest("exit 2").waitFor()).isEqualTo(2);
        assertThat(start(socket().toString(), "/no/such/program").waitFor()).isEqualTo(2);
    }

    @Test
    void aProgramThatEndsUnexpectedlyIsStartedAgainAndNotAtOnce() throws Exception {
        long begun = System.nanoTime();
        Process guest =
                guest("echo run >> " + file("runs") + "; [ $(wc -l < " + file("runs") + ") = 3 ] || kill -9 $$");
        assertThat(guest.waitFor()).isZero();
        assertThat(file("runs")).hasContent("run\nrun\nrun\n");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofSeconds(2));
        assertThat(file("log")).content().contains("/bin/sh ended (wait status 9) and is started again");
    }

    @Test
    void processesOutliveTheProgramAndTheNextOneFindsThem() throws Exception {
        Process guest = guest("echo $$ >> " + file("runs") + "; exec sleep 1000");
        Exits exits = new Exits();
        int child;
        try (SupervisorConnection first = connect(exits)) {
            child = spawn(first, "exec sleep 1000");
            ProcessHandle.of(lastPid()).orElseThrow().destroyForcibly();
            await(() -> Files.readAllLines(file("runs")).size() == 2);
        }
        try (SupervisorConnection second = connect(exits)) {
            assertThat(second.list())
                    .singleElement()
                    .satisfies(found -> assertThat(found.pid()).isEqualTo(child))
                    .satisfies(found -> assertThat(found.ended()).isFalse());
        }
        guest.destroy();
        assertThat(guest.waitFor()).isZero();
        await(() -> ProcessHandle.of(child).isEmpty());
    }

    @Test
    void askedToEndItEndsTheProgramFirstAndLeavesNothing() throws Exception {
        Process guest = guest("trap 'echo asked > " + file("asked") + "; exit 0' TERM; echo $$ > " + file("runs")
                + "; while :; do sleep 0.05; done");
        int child;
        try (SupervisorConnection connection = connect(new Exits())) {
            child = spawn(
                    connection, "trap '' TERM; (setsid sleep 1000 & echo $! > " + file("orphan") + "); sleep 1000");
        }
        await(() -> Files.exists(file("orphan")) && Files.size(file("orphan")) > 0);
        long orphan = Long.parseLong(Files.readString(file("orphan")).strip());
        await(() -> ProcessHandle.of(orphan).flatMap(ProcessHandle::parent).isPresent());
        await(() -> Files.exists(file("runs")));
        guest.destroy();
        assertThat(guest.waitFor()).isZero();
        assertThat(file("asked")).hasContent("asked\n");
        await(() ->
                ProcessHandle.of(child).isEmpty() && ProcessHandle.of(orphan).isEmpty());
    }

    @Test
    void whatProcessesLeaveBehindBecomesAChildAndIsReaped() throws Exception {
        Process guest = guest("exec sleep 1000");
        try (SupervisorConnection connection = connect(new Exits())) {
            spawn(connection, "(sh -c 'echo $$ > " + file("orphan") + "; sleep 0.2' &)");
            await(() -> Files.exists(file("orphan")) && Files.size(file("orphan")) > 0);
            long orphan = Long.parseLong(Files.readString(file("orphan")).strip());
            await(() -> ProcessHandle.of(orphan).isEmpty());
        }
        assertThat(guest.isAlive()).isTrue();
    }

    @Test
    void theSocketIsForItsUserAlone() throws Exception {
        guest("exec sleep 1000");
        await(() -> Files.exists(socket()));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                .isEqualTo("rwx------");
    }

    @Test
    void aSocketThatIsServedIsNotTakenAndOneThatIsLeftOverIs() throws Exception {
        Process first = guest("echo $$ > " + file("runs") + "; exec sleep 1000");
        connect(new Exits()).close();
        assertThat(lastPid()).as("until then it shares the first one's socket").isPositive();
        Process second = guest("exec sleep 1000");
        assertThat(second.waitFor()).isEqualTo(1);
        assertThat(file("log")).content().contains("Address already in use");
        first.destroyForcibly().waitFor();
        assertThat(Files.exists(socket())).isTrue();
        Process third = guest("exec sleep 1000");
        connect(new Exits()).close();
        assertThat(third.isAlive()).isTrue();
    }

    @Test
    void aSocketWithTooLongANameIsRefused() throws Exception {
        String name = directory.resolve("s".repeat(200)).toString();
        assertThat(start(name, "/bin/true").waitFor()).isEqualTo(1);
        assertThat(file("log")).content().contains("File name too long");
    }

    @Test
    void theProgramHasASessionOfItsOwnNoInputAndDefaultSignals() throws Exception {
        guest("read line; echo \"$? $(ps -o sid= -p $$ | tr -d ' ') $$\" > " + file("seen")
                + "; grep -E 'SigBlk|SigIgn' /proc/self/status > " + file("signals") + "; exec sleep 1000");
        await(() -> Files.exists(file("signals"))
                && Files.readAllLines(file("signals")).size() == 2);
        String[] seen = Files.readString(file("seen")).strip().split(" ");
        assertThat(seen[0]).isEqualTo("1");
        assertThat(seen[1]).isEqualTo(seen[2]);
        assertThat(Files.readAllLines(file("signals"))).allMatch(line -> line.endsWith("0000000000000000"));
    }

    private Process guest(String script) throws IOException {
        return start(socket().toString(), "/bin/sh", "-c", script);
    }

    private Process start(String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(directory.resolve("supervisor").toString(), "guest"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(file("log").toFile()))
                .start();
        started.add(process);
        return process;
    }

    /** Once it listens. */
    private SupervisorConnection connect(Exits exits) throws Exception {
        await(this::isServed);
        return SupervisorConnection.connect(loop, socket(), exits, SandboxProcess.TIMEOUT);
    }

    private boolean isServed() throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return probe.connect(UnixDomainSocketAddress.of(socket()));
        } catch (SocketException e) {
            return false;
        }
    }

    private static int spawn(SupervisorConnection connection, String script) throws Exception {
        Supervisor.Spawned spawned = connection.spawn(new SpawnRequest(
                "/bin/sh",
                List.of("-c", script),
                Map.of("PATH", "/usr/bin:/bin"),
                "/",
                0,
                0,
                List.of(),
                new Streams.Pipes(false),
                1));
        spawned.ends().close();
        return spawned.pid();
    }

    private long lastPid() throws Exception {
        await(() -> Files.exists(file("runs")) && Files.size(file("runs")) > 0);
        return Long.parseLong(Files.readAllLines(file("runs")).getLast());
    }

    private Path socket() {
        return directory.resolve("socket");
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    @FunctionalInterface
    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("time is up").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }
}

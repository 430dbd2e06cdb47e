package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Terminals;
import dev.sandlot.linux.UnixSocket;
import dev.sandlot.supervisor.Supervisor.Ends;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Spawned;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
@Timeout(60)
class SupervisorTest {
    private static final Map<String, String> PATH = Map.of("PATH", "/usr/bin:/bin");
    private static final Streams OUTPUT = new Streams.Pipes(false);
    private static final int SIGQUIT = 3;
    private static final int SIGKILL = 9;
    private static final int CORE_DUMPED = 0x80;

    @TempDir
    Path directory;

    private final Exits exits = new Exits();
    private EventLoop loop;
    private SandboxProcess sandbox;
    private SupervisorConnection supervisor;

    @BeforeEach
    void start() throws Throwable {
        loop = EventLoop.start("test");
        sandbox = SandboxProcess.start(directory);
        supervisor = sandbox.connect(loop, exits);
    }

    @AfterEach
    void stop() throws IOException {
        supervisor.close();
        sandbox.close();
        loop.close();
    }

    private record Outcome(String output, String errors, int rawStatus) {}

    private static SpawnRequest sh(String script, Streams streams) {
        return as(0, 0, List.of(), "/", streams, "sh", "-c", script);
    }

    private static SpawnRequest as(
            int uid, int gid, List<Integer> groups, String cwd, Streams streams, String command, String... arguments) {
        return new SpawnRequest(command, List.of(arguments), PATH, cwd, uid, gid, groups, streams, 77);
    }

    private Outcome run(SpawnRequest request) throws Exception {
        Spawned spawned = supervisor.spawn(request);
        var output = Streaming.readAll(loop, spawned.ends().output());
        var errors = spawned.ends().errors() == null
                ? CompletableFuture.completedFuture(new byte[0])
                : Streaming.readAll(loop, spawned.ends().errors());
        int status = exits.await(spawned.pid());
        supervisor.release(spawned.pid());
        return new Outcome(Streaming.text(output), Streaming.text(errors), status);
    }

    private long supervisorDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc", Integer.toString(supervisor.hostPid()), "fd"))) {
            return open.count();
        }
    }

    @Test
    void startsWithExactlyTheGivenEnvironmentDirectoryAndIdentity() throws Exception {
        SpawnRequest request = new SpawnRequest(
                "sh",
                List.of("-c", "/usr/bin/env; pwd; id -u; id -g; id -G; umask"),
                Map.of("A", "é=1", "PATH", "/usr/bin:/bin"),
                "/usr",
                1234,
                2345,
                List.of(3, 4),
                OUTPUT,
                1);

        Outcome outcome = run(request);

        assertThat(outcome.output().lines().filter(line -> !line.startsWith("_=") && !line.startsWith("PWD=")))
                .containsExactlyInAnyOrder("A=é=1", "PATH=/usr/bin:/bin", "/usr", "1234", "2345", "2345 3 4", "0022");
        assertThat(outcome.rawStatus()).isZero();
    }

    @Test
    void keepsOutputAndErrorsApart() throws Exception {
        assertThat(run(sh("echo out; echo err >&2; exit 3", OUTPUT))).isEqualTo(new Outcome("out\n", "err\n", 3 << 8));
    }

    @Test
    void tellsTheRawStatusOfAKilledProcess() throws Exception {
        assertThat(run(sh("kill -9 $$", OUTPUT)).rawStatus()).isEqualTo(SIGKILL);
    }

    @Test
    void tellsThatACoreWasDumped() throws Exception {
        SpawnRequest request =
                as(0, 0, List.of(), directory.toString(), OUTPUT, "sh", "-c", "ulimit -c unlimited; kill -QUIT $$");
        assertThat(run(request).rawStatus()).isEqualTo(CORE_DUMPED | SIGQUIT);
    }

    @Test
    void aCommandThatIsNotFoundSaysSoLikeAShell() throws Exception {
        assertThat(run(as(0, 0, List.of(), "/", OUTPUT, "no-such-command")))
                .isEqualTo(new Outcome("", "no-such-command: No such file or directory\n", 127 << 8));
    }

    @Test
    void aCommandThatMayNotRunSaysSoLikeAShell() throws Exception {
        assertThat(run(as(0, 0, List.of(), "/", OUTPUT, "/etc/passwd")))
                .isEqualTo(new Outcome("", "/etc/passwd: Permission denied\n", 126 << 8));
    }

    @Test
    void theDirectoryIsEnteredAsTheUser() {
        assertThatThrownBy(() -> supervisor.spawn(as(1234, 1234, List.of(), "/root", OUTPUT, "true")))
                .isInstanceOfSatisfying(SpawnException.class, e -> {
                    assertThat(e.step()).isEqualTo(SpawnException.Step.DIRECTORY);
                    assertThat(e.errno()).isEqualTo(Errno.EACCES);
                });
    }

    @Test
    void argumentsThatAreTooLargeAreRefusedWithTheirReason() {
        String large = "x".repeat(200_000);
        assertThatThrownBy(() -> supervisor.spawn(as(0, 0, List.of(), "/", OUTPUT, "true", large)))
                .isInstanceOfSatisfying(SpawnException.class, e -> {
                    assertThat(e.step()).isEqualTo(SpawnException.Step.EXEC);
                    assertThat(e.errno()).isEqualTo(Errno.E2BIG);
                });
    }

    @Test
    void largeArgumentsArrive() throws Exception {
        String[] arguments = new String[12];
        Arrays.fill(arguments, "y".repeat(100_000));
        List<String> all = new ArrayList<>(List.of("-c", "echo $#; printf %s \"$*\" | wc -c", "sh"));
        all.addAll(List.of(arguments));
        assertThat(run(as(0, 0, List.of(), "/", OUTPUT, "sh", all.toArray(String[]::new)))
                        .output())
                .isEqualTo("12\n1200011\n");
    }

    @Test
    void inputIsReadToItsEndOnceBothEndsAreClosed() throws Exception {
        Spawned cat = supervisor.spawn(sh("cat", new Streams.Pipes(true)));
        byte[] bytes = new byte[8 << 20];
        new Random(5).nextBytes(bytes);
        var output = Streaming.readAll(loop, cat.ends().output());
        Streaming.writeAll(loop, cat.ends().input(), bytes);
        supervisor.closeInput(cat.pid());

        assertThat(output.get(20, TimeUnit.SECONDS)).isEqualTo(bytes);
        assertThat(exits.await(cat.pid())).isZero();
    }

    @Test
    void withoutInputThereIsNothingToRead() throws Exception {
        assertThat(run(sh("read line", OUTPUT)).rawStatus()).isEqualTo(1 << 8);
    }

    @Test
    void childrenStartWithNothingOfTheSupervisors() throws Exception {
        Outcome outcome = run(sh(
                "ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status; cat /proc/self/oom_score_adj; nice;"
                        + " ps -o pgid= -p $$; tty",
                OUTPUT));

        assertThat(outcome.output().lines().map(String::strip))
                .containsExactly(
                        "4", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "100", "0", "0", "not a tty");
    }

    @Test
    void aTerminalHasItsSizeFromTheStartAndCanBeResized() throws Exception {
        Spawned shell = supervisor.spawn(as(
                1234,
                1234,
                List.of(),
                "/",
                new Streams.Terminal(120, 40),
                "sh",
                "-c",
                "stty size; stat -c '%u %a' $(tty); trap 'stty size; kill $!; exit 5' WINCH;"
                        + " sleep 60 & echo ready; wait"));
        LiveOutput output = LiveOutput.of(loop, shell.ends().output());
        output.await("ready\r\n");
        Terminals.resize(shell.ends().output(), new Terminals.Size(90, 30));

        assertThat(exits.await(shell.pid())).isEqualTo(5 << 8);
        assertThat(output.toEnd()).isEqualTo("40 120\r\n1234 620\r\nready\r\n30 90\r\n");
    }

    @Test
    void theNewSizeOfATerminalCanBeReadAtOnce() throws Exception {
        Spawned sleeper = supervisor.spawn(sh("exec sleep 60", new Streams.Terminal(120, 40)));
        Terminals.resize(sleeper.ends().output(), new Terminals.Size(90, 30));
        assertThat(Terminals.size(sleeper.ends().output())).isEqualTo(new Terminals.Size(90, 30));
        sleeper.ends().close();
    }

    @Test
    void theSizeOfATerminalIsSetBeforeTheCommandRuns() throws Exception {
        assertThat(run(sh("stty size; tty", new Streams.Terminal(123, 45))).output())
                .startsWith("45 123\r\n/dev/pts/");
    }

    @Test
    void signalsReachOneProcess() throws Exception {
        Spawned sleeper = supervisor.spawn(as(0, 0, List.of(), "/", OUTPUT, "sleep", "60"));
        supervisor.signal(sleeper.pid(), 15);
        assertThat(exits.await(sleeper.pid())).isEqualTo(15);
        assertThatThrownBy(() -> supervisor.signal(sleeper.pid(), 15))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.is(Errno.ESRCH)).isTrue());
        sleeper.ends().close();
    }

    @Test
    void onlyProcessesThatWereStartedByRequestGetSignals() {
        for (int pid : new int[] {1, 2, -1, 0, 99999}) {
            assertThatThrownBy(() -> supervisor.signal(pid, SIGKILL))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.is(Errno.ESRCH)).isTrue());
        }
    }

    @Test
    void aRunningProcessIsNotReleased() throws Exception {
        Spawned sleeper = supervisor.spawn(as(0, 0, List.of(), "/", OUTPUT, "sleep", "60"));
        assertThatThrownBy(() -> supervisor.release(sleeper.pid()))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.is(Errno.EBUSY)).isTrue());
        sleeper.ends().close();
    }

    @Test
    void thousandsOfProcessesLeaveNothingBehind() throws Exception {
        run(sh("true", OUTPUT));
        long before = supervisorDescriptors();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Outcome>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                all.add(threads.submit(this::run250));
            }
            for (Future<Outcome> last : all) {
                assertThat(last.get()).isEqualTo(new Outcome("x\n", "", 0));
            }
        }
        assertThat(supervisorDescriptors()).isEqualTo(before);
        assertThat(supervisor.list()).isEmpty();
    }

    private Outcome run250() throws Exception {
        Outcome last = null;
        for (int i = 0; i < 250; i++) {
            last = run(as(0, 0, List.of(), "/", OUTPUT, "echo", "x"));
        }
        return last;
    }

    @Test
    void orphansAreReaped() throws Exception {
        run(sh("for i in $(seq 50); do (sh -c 'exit 1' & ) ; done", OUTPUT));
        Callable<String> zombies =
                () -> run(sh("ps -eo stat= | grep -c Z; true", OUTPUT)).output();
        while (!zombies.call().equals("0\n")) {
            Thread.onSpinWait();
        }
        assertThat(zombies.call()).isEqualTo("0\n");
    }

    @Test
    void hundredsRunAtOnce() throws Exception {
        List<Spawned> all = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            all.add(supervisor.spawn(as(0, 0, List.of(), "/", new Streams.Pipes(true), "cat")));
        }
        assertThat(supervisor.list()).hasSize(500).allMatch(child -> child.cookie() == 77 && !child.ended());
        for (Spawned one : all) {
            supervisor.closeInput(one.pid());
            one.ends().close();
        }
        for (Spawned one : all) {
            assertThat(exits.await(one.pid())).isZero();
        }
    }

    @Test
    void aNewClientFindsWhatAnOldOneLeft() throws Exception {
        Spawned writer =
                supervisor.spawn(sh("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 9", OUTPUT));
        writer.ends().close();
        CompletableFuture<Void> gone = new CompletableFuture<>();
        supervisor.onClose(() -> gone.complete(null));
        supervisor.close();
        gone.get(20, TimeUnit.SECONDS);
        assertThat(supervisor.isOpen()).isFalse();

        supervisor = sandbox.connect(loop, exits);
        assertThat(supervisor.list()).extracting(Supervisor.Child::pid).containsExactly(writer.pid());
        Ends ends = supervisor.attach(writer.pid());
        var output = Streaming.readAll(loop, ends.output());

        assertThat(exits.await(writer.pid())).isEqualTo(9 << 8);
        assertThat(Streaming.text(output).lines())
                .hasSize(20000)
                .startsWith("0", "1")
                .endsWith("19999");
        assertThat(supervisor.list()).containsExactly(new Supervisor.Child(writer.pid(), 77, 9 << 8));
        ends.close();
    }

    @Test
    void knowsTheSupervisorsNumberOutside() throws Exception {
        assertThat(Files.readString(Path.of("/proc", Integer.toString(supervisor.hostPid()), "comm")))
                .isEqualTo("supervisor\n");
    }

    @Test
    void containTakesTheCapabilityForGood() throws Exception {
        Path cgroups = Path.of("/proc", Integer.toString(supervisor.hostPid()), "ns", "cgroup");
        Path before = Files.readSymbolicLink(cgroups);
        supervisor.contain();
        supervisor.contain();

        assertThat(Files.readSymbolicLink(cgroups)).isNotEqualTo(before);
        List<String> sets =
                run(sh("grep Cap /proc/self/status", OUTPUT)).output().lines().toList();
        assertThat(sets)
                .hasSize(5)
                .allSatisfy(set -> assertThat(Long.parseUnsignedLong(set.split("\t")[1], 16) & (1L << 21))
                        .isZero());
        assertThat(sets.get(1)).isNotEqualTo("CapPrm:\t0000000000000000");
    }

    @Test
    void nobodyInsideTheSandboxMayConnect() throws Exception {
        String script =
                "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint(len(s.recv(99)))";
        Outcome outcome = run(as(
                0,
                0,
                List.of(),
                "/",
                OUTPUT,
                "python3",
                "-c",
                script,
                sandbox.socket().toString()));
        assertThat(outcome).isEqualTo(new Outcome("0\n", "", 0));
        supervisor.ping();
    }

    @Test
    void signalsFromInsideDoNotHurtTheSupervisor() throws Exception {
        run(sh("for s in $(seq 1 64); do kill -$s 1; done; true", OUTPUT));
        supervisor.ping();
    }

    @Test
    void processesThatAreStoppedBeforeTheyRunHoldUpNobodyElse() throws Exception {
        Spawned bystander = supervisor.spawn(as(0, 0, List.of(), "/", OUTPUT, "sleep", "60"));
        Spawned stopper = supervisor.spawn(as(0, 0, List.of(), "/", OUTPUT, "python3", "-c", """
                import os, time
                end = time.time() + 1.5
                os.kill(-1, 19)
                print("stopping", flush=True)
                while time.time() < end:
                    os.kill(-1, 19)
                os.kill(-1, 18)
                """));
        LiveOutput.of(loop, stopper.ends().output()).await("stopping");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Outcome>> all = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                all.add(threads.submit(() -> run(sh("echo through", OUTPUT))));
            }
            while (!exits.isKnown(stopper.pid())) {
                supervisor.ping();
                assertThat(supervisor.list()).isNotEmpty();
            }
            for (Future<Outcome> each : all) {
                assertThat(each.get().output()).isEqualTo("through\n");
            }
        }
        assertThat(exits.await(stopper.pid())).isZero();
        bystander.ends().close();
    }

    @Test
    void aGoneSupervisorEndsItsConnection() throws Exception {
        CompletableFuture<Void> gone = new CompletableFuture<>();
        supervisor.onClose(() -> gone.complete(null));
        sandbox.close();
        gone.get(20, TimeUnit.SECONDS);
        assertThatThrownBy(supervisor::ping).isInstanceOf(IOException.class);
    }

    @Test
    void bytesThatAreNoFramesEndOnlyTheirOwnConnection() throws Exception {
        run(sh("true", OUTPUT));
        long before = supervisorDescriptors();
        for (int seed = 0; seed < 300; seed++) {
            Garbage.send(sandbox.socket(), new Random(seed));
            supervisor.ping();
        }
        assertThat(run(sh("echo fine", OUTPUT)).output()).isEqualTo("fine\n");
        assertThat(supervisorDescriptors()).isBetween(before, before + 3);
    }

    @Test
    void aClientThatDoesNotReadIsNotWaitedFor() throws Exception {
        try (UnixSocket deaf = UnixSocket.connect(sandbox.socket())) {
            Garbage.sendUntilFull(deaf, Wire.frame(Wire.LIST, 1, new byte[0]));
            assertThat(run(sh("echo fine", OUTPUT)).output()).isEqualTo("fine\n");
        }
    }
}

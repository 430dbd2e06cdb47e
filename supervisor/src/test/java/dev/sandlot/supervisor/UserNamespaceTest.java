package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Spawned;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** As in a real sandbox: root there is nobody here, and the namespaces were made by the program's {@code hold}. */
@Tag("kernel")
@Timeout(60)
class UserNamespaceTest {
    private static final String TERMINALS =
            "mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts /dev/pts"
                    + " && mount --bind /dev/pts/ptmx /dev/ptmx && exec \"$0\"";
    private static final String MAP = "0 700000 65536\n";

    @TempDir
    Path directory;

    private final Exits exits = new Exits();
    private Process holder;
    private EventLoop loop;
    private SandboxProcess sandbox;
    private SupervisorConnection supervisor;

    @BeforeEach
    void start() throws Throwable {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path program = directory.resolve("holder");
        SupervisorBinary.installTo(program);
        holder = new ProcessBuilder(program.toString(), "hold").start();
        assertThat(holder.getInputStream().read()).isPositive();
        Path proc = Path.of("/proc", Long.toString(holder.pid()));
        Files.writeString(proc.resolve("uid_map"), MAP);
        Files.writeString(proc.resolve("gid_map"), MAP);
        loop = EventLoop.start("test");
        sandbox = SandboxProcess.start(
                directory,
                List.of("nsenter", "--user=" + proc.resolve("ns/user"), "--net=" + proc.resolve("ns/net"), "--"),
                List.of("sh", "-c", TERMINALS));
        supervisor = sandbox.connect(loop, exits);
    }

    @AfterEach
    void stop() throws Exception {
        supervisor.close();
        sandbox.close();
        loop.close();
        holder.getOutputStream().close();
        assertThat(holder.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(holder.exitValue()).isZero();
    }

    private String output(int uid, Streams streams, String script) throws Exception {
        Spawned spawned = supervisor.spawn(new SpawnRequest(
                "sh",
                List.of("-c", "exec 2>&1; " + script),
                Map.of("PATH", "/usr/bin:/bin"),
                "/",
                uid,
                uid,
                List.of(),
                streams,
                0));
        String output = Streaming.text(Streaming.readAll(loop, spawned.ends().output()));
        exits.await(spawned.pid());
        supervisor.release(spawned.pid());
        return output;
    }

    private String root(String script) throws Exception {
        return output(0, new Streams.Pipes(false), script);
    }

    @Test
    void itsRootCanNotLookIntoTheSupervisor() throws Exception {
        for (String file : List.of("maps", "environ", "mem", "fd/3", "root/etc", "ns/pid")) {
            assertThat(root("cat /proc/1/" + file)).as(file).endsWith("Permission denied\n");
        }
        assertThat(root("cat " + directory.resolve("supervisor"))).endsWith("Permission denied\n");
    }

    @Test
    void itsRootCanNotTraceTheSupervisor() throws Exception {
        int seize = 0x4206;
        assertThat(root("python3 -c 'import ctypes; l=ctypes.CDLL(None, use_errno=True);" + " print(l.ptrace(" + seize
                        + ", 1, 0, 0), ctypes.get_errno())'"))
                .isEqualTo("-1 1\n");
    }

    @Test
    void processesAreTheFirstToGoWhenMemoryEnds() throws Exception {
        assertThat(root("cat /proc/self/oom_score_adj")).isEqualTo("100\n");
        assertThat(output(1000, new Streams.Pipes(false), "cat /proc/self/oom_score_adj"))
                .isEqualTo("100\n");
    }

    @Test
    void rootKeepsItsCapabilitiesButTheOneGivenUp() throws Exception {
        supervisor.contain();
        assertThat(root("grep CapEff /proc/self/status; unshare --mount true"))
                .isEqualTo("CapEff:\t000001ffffdfffff\nunshare: unshare failed: Operation not permitted\n");
    }

    @Test
    void usersHaveNoCapabilities() throws Exception {
        assertThat(output(1000, new Streams.Pipes(false), "grep -E 'CapEff|CapPrm|CapAmb' /proc/self/status"))
                .isEqualTo("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
    }

    @Test
    void terminalsBelongToTheirUser() throws Exception {
        assertThat(output(1000, new Streams.Terminal(80, 24), "stat -c '%u %g %a' $(tty); stty size"))
                .isEqualTo("1000 5 620\r\n24 80\r\n");
    }

    @Test
    void terminalsThatAreNoneAreRefused() throws Exception {
        root("umount /dev/ptmx; mount --bind /dev/null /dev/ptmx");
        assertThatThrownBy(() -> output(0, new Streams.Terminal(80, 24), "tty"))
                .isInstanceOfSatisfying(
                        SpawnException.class, e -> assertThat(e.step()).isEqualTo(SpawnException.Step.TERMINAL));
        assertThat(root("echo fine")).isEqualTo("fine\n");
    }

    @Test
    void theSupervisorIsSeenFromOutside() throws IOException {
        assertThat(Files.readString(Path.of("/proc", Integer.toString(supervisor.hostPid()), "uid_map")))
                .contains("700000");
    }
}

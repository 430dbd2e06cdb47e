package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.runtime.Inside.Outcome;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every kind of runtime owes its sandboxes and its machine. */
@Tag("kernel")
abstract class RuntimeContract {
    private static final AtomicInteger IDS = new AtomicInteger();

    private SandboxRuntime runtime;

    /** Opens the runtime over the same directories each time. */
    abstract SandboxRuntime open() throws Exception;

    /** Removes the directories and all that belongs to the machine. */
    abstract void purge() throws Exception;

    @BeforeEach
    void openRuntime() throws Exception {
        runtime = open();
    }

    @AfterEach
    void leaveNothing() throws Exception {
        for (RunningSandbox sandbox : runtime.running()) {
            runtime.kill(sandbox.id());
        }
        List<Leak> leaks = runtime.leaks();
        runtime.close();
        purge();
        assertThat(leaks).isEmpty();
    }

    @Test
    void aCommandRunsAsTheSandboxesOwnRoot() throws Exception {
        RunningSandbox sandbox = start();
        assertThat(sh(sandbox, "id -u; cat /proc/self/uid_map | tr -s ' '; hostname; cat /etc/hostname")
                        .text()
                        .lines())
                .containsExactly("0", " 0 " + sandbox.uidBase() + " 65536", "sandbox.test", "sandbox.test");
        assertThat(sh(sandbox, "cat /run/e2b/.E2B_SANDBOX /run/e2b/.E2B_SANDBOX_ID")
                        .text())
                .isEqualTo("true" + sandbox.id());
    }

    @Test
    void filesAreSeenThroughItsRootDirectory() throws Exception {
        RunningSandbox sandbox = start();
        sh(sandbox, "echo hello > /root/greeting");
        Path root = Path.of(sandbox.root().procPath());
        assertThat(root.resolve("root/greeting")).hasContent("hello");
        assertThat(Files.getAttribute(root.resolve("root/greeting"), "unix:uid"))
                .isEqualTo(sandbox.uidBase());
        assertThat(root.resolve("proc/1/status")).exists();
    }

    @Test
    void noNamespaceIsSharedWithTheMachine() throws Exception {
        RunningSandbox sandbox = start();
        for (String kind : List.of("user", "pid", "mnt", "net", "ipc", "uts", "cgroup")) {
            String outside =
                    Files.readSymbolicLink(Path.of("/proc/self/ns/" + kind)).toString();
            assertThat(sh(sandbox, "stat -c %N /proc/self/ns/" + kind).text()).doesNotContain(outside);
        }
    }

    @Test
    void whatItMayNotDoIsRefused() throws Exception {
        RunningSandbox sandbox = start();
        for (String script : List.of(
                "unshare -Ur true",
                "unshare -n true",
                "unshare -m true",
                "mount -t tmpfs none /mnt || mount -t tmpfs none /tmp",
                "echo 1 > /proc/sys/kernel/sysrq",
                "echo c > /proc/sysrq-trigger",
                "head -c 1 /proc/kcore | grep .",
                "head -c 1 /proc/1/mem",
                "cat /proc/1/environ",
                "mknod /tmp/disk b 8 0",
                "dmesg",
                "ip link set eth0 down",
                "ip link add type dummy",
                "echo 0 > /proc/sys/net/ipv4/conf/eth0/route_localnet")) {
            assertThat(sh(sandbox, script).code()).as(script).isNotZero();
        }
    }

    @Test
    void systemCallsThatOpenTheKernelAreRefused() throws Exception {
        RunningSandbox sandbox = start();
        String python = """
                python3 -c '
                import ctypes, os, platform, socket
                libc = ctypes.CDLL(None, use_errno=True)
                arm = platform.machine() == "aarch64"
                numbers = {"keyctl": 219 if arm else 250, "bpf": 280 if arm else 321,
                           "perf_event_open": 241 if arm else 298, "userfaultfd": 282 if arm else 323,
                           "io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "clone3": 435,
                           "setns": 268 if arm else 308, "pivot_root": 41 if arm else 155}
                for name, number in numbers.items():
                    ctypes.set_errno(0)
                    result = libc.syscall(number, 0, 0, 0, 0, 0)
                    print(name, result, ctypes.get_errno() in (1, 38))
                for family, protocol in ((16, 12), (38, 0), (40, 0), (17, 0)):
                    try:
                        socket.socket(family, socket.SOCK_RAW, protocol); print("socket", family, "open")
                    except OSError as e:
                        print("socket", family, -1, e.errno in (1, 38))
                socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
                '
                """;
        Outcome outcome = sh(sandbox, python);
        assertThat(outcome.code()).as(outcome.text()).isZero();
        assertThat(outcome.text().lines()).hasSize(14).allMatch(line -> line.endsWith("-1 True"));
    }

    @Test
    void capabilitiesAreThoseOfAContainerWithoutDevicesAndAdministration() throws Exception {
        RunningSandbox sandbox = start();
        for (String set : List.of("CapPrm", "CapEff", "CapBnd")) {
            assertThat(sh(sandbox, "grep " + set + " /proc/self/status").text()).endsWith("00000000a00425fb");
        }
        assertThat(sh(sandbox, "grep -E 'Seccomp:|NoNewPrivs' /proc/self/status")
                        .text()
                        .replaceAll("\\s+", " "))
                .isEqualTo("NoNewPrivs: 0 Seccomp: 2");
        assertThat(sh(sandbox, "ping -c 1 127.0.0.1").code()).isZero();
    }

    @Test
    void theMachinesFilesAndProcessesAreOutOfReach() throws Exception {
        RunningSandbox sandbox = start();
        RunningSandbox other = start();
        sh(other, "echo secret > /root/secret");
        assertThat(sh(sandbox, "ls /root/secret").code()).isNotZero();
        assertThat(sh(sandbox, "ls -d /proc/[0-9]* | grep -c .").text()).matches("[1-9]");
        assertThat(sh(sandbox, "cat /proc/self/mountinfo").text())
                .doesNotContain(" " + Path.of("/work").toString())
                .doesNotContain(" /sys/fs/cgroup");
        assertThat(sh(sandbox, "kill -9 1; echo alive").text()).contains("alive");
        assertThat(sh(sandbox, "echo still").text()).isEqualTo("still");
    }

    @Test
    void aMemoryHogIsKilledAloneAndOthersGoOn() throws Exception {
        RunningSandbox hog = start();
        RunningSandbox other = start();
        Outcome outcome = sh(hog, "python3 -c 'x = bytearray(1 << 30)'");
        assertThat(outcome.code()).isEqualTo(137);
        assertThat(hog.usage().oomKills()).isPositive();
        assertThat(hog.usage().memoryBytes()).isLessThanOrEqualTo(256L << 20);
        assertThat(sh(hog, "echo here").text()).isEqualTo("here");
        assertThat(sh(other, "echo here").text()).isEqualTo("here");
    }

    @Test
    void aForkBombStaysInsideAndEndsWithItsSandbox() throws Exception {
        RunningSandbox bomb = start();
        RunningSandbox other = start();
        new Inside(bomb).start("bomb() { bomb | bomb & }; bomb", 1000).ends().close();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (bomb.usage().pids() < 100 && System.nanoTime() < deadline) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(bomb.usage().pids()).isBetween(100L, 200L);
        assertThat(sh(other, "echo here").text()).isEqualTo("here");
        assertThat(runtime.kill(bomb.id())).isTrue();
        assertThat(runtime.leaks()).isEmpty();
    }

    @Test
    void aFrozenSandboxStandsStillAndCanBeKilled() throws Exception {
        RunningSandbox sandbox = start();
        new Inside(sandbox)
                .start("while true; do echo x >> /tmp/count; sleep 0.01; done", 0)
                .ends()
                .close();
        Path count = Path.of(sandbox.root().procPath(), "tmp/count");
        awaitTrue(() -> Files.exists(count) && Files.size(count) > 2);
        sandbox.freeze();
        long before = Files.size(count);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        assertThat(Files.size(count)).isEqualTo(before);
        sandbox.thaw();
        awaitTrue(() -> Files.size(count) > before);
        sandbox.freeze();
        assertThat(runtime.kill(sandbox.id())).isTrue();
    }

    @Test
    void aServiceOnItsLoopbackIsReachedAtItsAddress() throws Exception {
        RunningSandbox sandbox = start();
        String server = """
                exec python3 -c '
                import socket
                s = socket.create_server(("127.0.0.1", 3000))
                while True:
                    c, peer = s.accept(); c.sendall(peer[0].encode()); c.close()
                '
                """;
        new Inside(sandbox).start(server, 1000).ends().close();
        String gateway = sh(sandbox, "ip -4 route show default").text().split(" ")[2];
        awaitTrue(() -> connects(sandbox));
        try (Socket socket = connection(sandbox)) {
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo(gateway);
        }
    }

    @Test
    void I21_aSocketOfTheSandboxReachesItsOwnLoopbackAndNoOtherSandbox() throws Exception {
        RunningSandbox sandbox = start();
        RunningSandbox other = start();
        String server = """
                exec python3 -c '
                import socket
                s = socket.create_server(("::1", 3000), family=socket.AF_INET6)
                while True:
                    c, peer = s.accept(); c.sendall(peer[0].encode()); c.close()
                '
                """;
        new Inside(sandbox).start(server, 1000).ends().close();
        InetSocketAddress loopback = new InetSocketAddress(InetAddress.ofLiteral("::1"), 3000);
        awaitTrue(() -> connects(sandbox, loopback));
        assertThat(sandbox.listening()).containsExactly(3000);
        assertThat(other.listening()).isEmpty();
        try (SocketChannel socket = sandbox.openSocket()) {
            socket.connect(loopback);
            assertThat(new String(socket.socket().getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("::1");
        }
        assertThat(connects(other, loopback)).isFalse();
        assertThat(connects(sandbox)).isFalse();
    }

    @Test
    void sandboxesAreTakenOverByTheNextRuntimeWithTheirProcesses() throws Exception {
        RunningSandbox before = start();
        RunningSandbox offline = start(false);
        new Inside(before)
                .start("echo $$ > /tmp/pid; exec sleep 1000", 0)
                .ends()
                .close();
        awaitTrue(() -> !sh(before, "cat /tmp/pid").text().isEmpty());
        runtime.close();
        runtime = open();
        assertThat(runtime.running())
                .extracting(RunningSandbox::id)
                .containsExactlyInAnyOrder(before.id(), offline.id());
        RunningSandbox after = runtime.find(before.id()).orElseThrow();
        assertThat(after.address()).isEqualTo(before.address());
        assertThat(after.spec()).isEqualTo(before.spec());
        assertThat(sh(after, "kill -0 $(cat /tmp/pid) && echo alive").text()).isEqualTo("alive");
        assertThat(runtime.leaks()).isEmpty();
        assertThat(runtime.kill(before.id())).isTrue();
        assertThat(runtime.find(before.id())).isEmpty();
    }

    @Test
    void aSandboxThatEndsByItselfIsClearedAway() throws Exception {
        RunningSandbox sandbox = start();
        CountDownLatch ended = new CountDownLatch(1);
        sandbox.onEnd(ended::countDown);
        int supervisor = supervisorOf(sandbox);
        new ProcessBuilder("kill", "-9", Integer.toString(supervisor)).start().waitFor();
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(runtime.find(sandbox.id())).isEmpty();
        assertThat(runtime.kill(sandbox.id())).isFalse();
    }

    @Test
    void aFailedStartLeavesNothing() throws Exception {
        RuntimeSpec broken = spec("broken", List.of(Path.of("/nonexistent-layer")), true);
        assertThatThrownBy(() -> runtime.start(broken))
                .isInstanceOf(RuntimeFailure.class)
                .hasMessageContaining("broken")
                .hasMessageContaining("/nonexistent-layer");
        Path empty = Files.createTempDirectory("sandlot-empty-layer");
        try {
            runtime.start(spec("empty", List.of(empty), true));
            assertThat(runtime.find("empty")).isPresent();
        } finally {
            runtime.kill("empty");
            Files.delete(empty);
        }
        assertThat(runtime.leaks()).isEmpty();
    }

    @Test
    void twoOfOneIdAreRefused() throws Exception {
        RunningSandbox sandbox = start();
        assertThatThrownBy(() -> runtime.start(sandbox.spec())).isInstanceOf(RuntimeFailure.class);
        assertThat(sh(sandbox, "echo here").text()).isEqualTo("here");
    }

    @Test
    void fiftyStartAtOnce() throws Exception {
        List<RunningSandbox> all = together(50, _ -> start());
        for (RunningSandbox sandbox : all) {
            assertThat(sh(sandbox, "cat /run/e2b/.E2B_SANDBOX_ID").text()).isEqualTo(sandbox.id());
        }
        assertThat(all.stream().map(RunningSandbox::uidBase).distinct()).hasSize(50);
        together(50, i -> runtime.kill(all.get(i).id()));
        assertThat(runtime.leaks()).isEmpty();
    }

    @Test
    void twoHundredComeAndGoAndLeaveNothing() throws Exception {
        together(4, _ -> {
            for (int i = 0; i < 50; i++) {
                assertThat(runtime.kill(start().id())).isTrue();
            }
            return true;
        });
        assertThat(runtime.leaks()).isEmpty();
    }

    @Test
    void aSandboxOverHundredsOfLayersSeesThemAll(@TempDir Path temp) throws Exception {
        List<Path> layers = new ArrayList<>(List.of(TestLayer.path()));
        for (int i = 1; i < 400; i++) {
            Path layer = Files.createDirectories(temp.resolve("layer-with-a-long-name-" + i));
            Files.writeString(layer.resolve("only-" + i), "x");
            Files.writeString(layer.resolve("last"), Integer.toString(i));
            layers.add(layer);
        }
        RunningSandbox sandbox = runtime.start(spec("test-" + IDS.incrementAndGet(), layers, true));
        assertThat(sh(sandbox, "cat /only-* | tr -d '\\n'").text()).isEqualTo("x".repeat(399));
        assertThat(sh(sandbox, "cat /last").text()).isEqualTo("399");
    }

    SandboxRuntime runtime() {
        return runtime;
    }

    /** Opens the runtime again after it was closed. */
    SandboxRuntime reopen() throws Exception {
        runtime = open();
        return runtime;
    }

    RunningSandbox start() throws Exception {
        return start(true);
    }

    RunningSandbox start(boolean internet) throws Exception {
        return runtime.start(spec("test-" + IDS.incrementAndGet(), List.of(TestLayer.path()), internet));
    }

    static Outcome sh(RunningSandbox sandbox, String script) throws Exception {
        return new Inside(sandbox).sh(script);
    }

    private static RuntimeSpec spec(String id, List<Path> layers, boolean internet) {
        return new RuntimeSpec(id, "base", layers, 1, 256, 200, "sandbox.test", internet, Map.of("team", "a"));
    }

    private static int supervisorOf(RunningSandbox sandbox) throws Exception {
        return ((OciSandbox) sandbox).connection().hostPid();
    }

    private static boolean connects(RunningSandbox sandbox) {
        try (Socket socket = connection(sandbox)) {
            return socket.isConnected();
        } catch (java.io.IOException e) {
            return false;
        }
    }

    private static boolean connects(RunningSandbox sandbox, InetSocketAddress address) throws java.io.IOException {
        try (SocketChannel socket = sandbox.openSocket()) {
            return socket.connect(address);
        } catch (ConnectException e) {
            return false;
        }
    }

    private static Socket connection(RunningSandbox sandbox) throws java.io.IOException {
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(sandbox.address(), 3000), 2000);
        return socket;
    }

    @FunctionalInterface
    interface Condition {
        boolean holds() throws Exception;
    }

    static void awaitTrue(Condition condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("time is up").isLessThan(deadline);
            LockSupport.parkNanos(2_000_000);
        }
    }

    @FunctionalInterface
    private interface Numbered<T> {
        T run(int number) throws Exception;
    }

    private static <T> List<T> together(int count, Numbered<T> action) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<T>> futures = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                futures.add(threads.submit(() -> action.run(number)));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                results.add(future.get(120, TimeUnit.SECONDS));
            }
            return results;
        }
    }
}

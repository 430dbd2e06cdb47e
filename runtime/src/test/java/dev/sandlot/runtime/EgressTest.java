package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What sandboxes reach: a network namespace plays the world outside, with a public address, private ones and that of
 * cloud metadata, and answers on port 80 of all of them.
 */
@Tag("kernel")
class EgressTest {
    private static final String WORLD = "sandlot-world";
    private static final String LINK = "slworld0";
    private static final String PUBLIC = "198.51.100.7";
    private static final List<String> FORBIDDEN =
            List.of("169.254.169.254", "10.9.9.9", "172.16.9.9", "192.168.9.9", "100.64.9.9");
    private static final String SERVER = """
            import socket
            s = socket.create_server(("0.0.0.0", 80))
            print("ready", flush=True)
            while True:
                c, peer = s.accept(); c.sendall(peer[0].encode()); c.close()
            """;

    private static final String NAMES = """
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("0.0.0.0", 53))
            print("ready", flush=True)
            while True:
                _, peer = s.recvfrom(100); s.sendto(peer[0].encode(), peer)
            """;

    private Path data;
    private SandboxRuntime runtime;
    private final List<Process> servers = new ArrayList<>();

    @BeforeEach
    void makeWorld() throws Exception {
        data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-egress-test");
        if (Files.exists(Path.of("/run/netns", WORLD))) {
            ip("netns", "del", WORLD);
        }
        ip("netns", "add", WORLD);
        ip("link", "add", LINK, "type", "veth", "peer", "name", "world", "netns", WORLD);
        ip("addr", "add", "198.51.100.1/24", "dev", LINK);
        ip("link", "set", LINK, "up");
        ip("-n", WORLD, "link", "set", "lo", "up");
        ip("-n", WORLD, "link", "set", "world", "up");
        ip("-n", WORLD, "addr", "add", PUBLIC + "/24", "dev", "world");
        for (String address : FORBIDDEN) {
            ip("-n", WORLD, "addr", "add", address + "/32", "dev", "lo");
            ip("route", "add", address + "/32", "via", PUBLIC, "dev", LINK);
        }
        servers.add(server("ip", "netns", "exec", WORLD, "python3", "-c", SERVER));
        servers.add(server("python3", "-c", SERVER.replace("0.0.0.0", "198.51.100.1")));
        runtime = OciRuntime.open(TestConfig.over(data), (_, _, _) -> {});
    }

    @AfterEach
    void removeWorld() throws Exception {
        for (Process server : servers) {
            server.destroyForcibly().waitFor();
        }
        ip("link", "del", LINK);
        ip("netns", "del", WORLD);
        if (runtime != null) {
            runtime.close();
        }
        OciRuntime.purge(TestConfig.over(data));
        TreeRemoval.remove(data);
    }

    @Test
    void thePublicWorldIsReachedFromTheMachinesAddressAndPrivateRangesAreNot() throws Exception {
        RunningSandbox sandbox = start("one", true);
        assertThat(fetch(sandbox, PUBLIC)).isEqualTo("198.51.100.1");
        for (String address : FORBIDDEN) {
            assertThat(reachedFromHere(address))
                    .as("%s from the machine", address)
                    .isTrue();
            assertThat(fetch(sandbox, address)).as(address).isEqualTo("unreachable");
        }
    }

    @Test
    void theMachineItselfIsOutOfReach() throws Exception {
        RunningSandbox sandbox = start("one", true);
        String gateway =
                new Inside(sandbox).sh("ip -4 route show default").text().split(" ")[2];
        assertThat(reachedFromHere("198.51.100.1")).isTrue();
        assertThat(fetch(sandbox, "198.51.100.1")).isEqualTo("unreachable");
        assertThat(fetch(sandbox, gateway)).isEqualTo("unreachable");
        assertThat(new Inside(sandbox).sh("ping -c 1 -W 1 " + gateway).code()).isNotZero();
    }

    @Test
    void sandboxesDoNotReachEachOther() throws Exception {
        RunningSandbox one = start("one", true);
        RunningSandbox two = start("two", true);
        new Inside(two).start("exec python3 -c '" + SERVER + "'", 0).ends().close();
        RuntimeContract.awaitTrue(() -> reachedFromHere(two.address().getHostAddress()));
        assertThat(fetch(one, two.address().getHostAddress())).isEqualTo("unreachable");
    }

    @Test
    void withoutInternetNothingIsReached() throws Exception {
        RunningSandbox closed = start("closed", false);
        RunningSandbox open = start("open", true);
        assertThat(fetch(closed, PUBLIC)).isEqualTo("unreachable");
        assertThat(fetch(open, PUBLIC)).isEqualTo("198.51.100.1");
        runtime.close();
        runtime = OciRuntime.open(TestConfig.over(data), (_, _, _) -> {});
        assertThat(fetch(runtime.find("closed").orElseThrow(), PUBLIC)).isEqualTo("unreachable");
        assertThat(fetch(runtime.find("open").orElseThrow(), PUBLIC)).isEqualTo("198.51.100.1");
    }

    @Test
    void namesAreAskedByWayOfTheOwnGatewayAlone() throws Exception {
        RunningSandbox one = start("one", true);
        RunningSandbox two = start("two", true);
        Tool nft = Tool.require("nft");
        nft.mustRun(new Firewall(TestConfig.over(data), nft).rules("", PUBLIC), "-f", "-");
        servers.add(server("ip", "netns", "exec", WORLD, "python3", "-c", NAMES));
        assertThat(asked(one, gateway(one))).isEqualTo("198.51.100.1");
        assertThat(asked(one, gateway(two))).isEqualTo("no answer");
        assertThat(asked(one, "10.219.60.77")).isEqualTo("no answer");
        assertThat(asked(two, gateway(two))).isEqualTo("198.51.100.1");
    }

    private static String gateway(RunningSandbox sandbox) throws Exception {
        String text = new Inside(sandbox).sh("cat /etc/resolv.conf").text();
        assertThat(text).startsWith("nameserver ");
        return text.substring("nameserver ".length());
    }

    private static String asked(RunningSandbox sandbox, String address) throws Exception {
        return new Inside(sandbox).sh("""
                python3 -c '
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.settimeout(2)
                try: s.sendto(b"?", ("%s", 53)); print(s.recv(100).decode())
                except OSError: print("no answer")
                '
                """.formatted(address)).text();
    }

    @Test
    void aForeignSourceAddressGoesNowhere() throws Exception {
        RunningSandbox sandbox = start("one", true);
        String forged = """
                python3 -c '
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
                source, target = socket.inet_aton("%s"), socket.inet_aton("198.51.100.7")
                body = bytes([0x30, 0x39, 0x1f, 0x90, 0, 12, 0, 0]) + b"here"
                head = bytes([0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0]) + source + target
                for _ in range(5): s.sendto(head + body, ("198.51.100.7", 0))
                '
                """;
        try (UdpEar ear = new UdpEar(WORLD)) {
            Inside inside = new Inside(sandbox);
            assertThat(inside.sh(forged.formatted("203.0.113.9"))).isEqualTo(new Inside.Outcome(0, ""));
            assertThat(inside.sh(forged.formatted(sandbox.address().getHostAddress())))
                    .isEqualTo(new Inside.Outcome(0, ""));
            assertThat(ear.firstSender()).isEqualTo("198.51.100.1");
        }
    }

    private RunningSandbox start(String id, boolean internet) throws Exception {
        return runtime.start(new RuntimeSpec(
                id, "base", List.of(TestLayer.path()), 1, 256, 200, "sandbox.test", internet, Map.of()));
    }

    private static String fetch(RunningSandbox sandbox, String address) throws Exception {
        return new Inside(sandbox).sh(fetchScript(address)).text();
    }

    private static String fetchScript(String address) {
        return """
                python3 -c '
                import socket
                try: print(socket.create_connection(("%s", 80), 1.0).recv(100).decode())
                except OSError: print("unreachable")
                '
                """.formatted(address);
    }

    private static boolean reachedFromHere(String address) throws Exception {
        Process process = new ProcessBuilder("bash", "-c", fetchScript(address)).start();
        String text = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        return process.waitFor() == 0 && !text.strip().equals("unreachable");
    }

    private static Process server(String... command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(process.inputReader().readLine()).isEqualTo("ready");
        return process;
    }

    private static void ip(String... arguments) throws IOException {
        Tool.require("ip").mustRun("", arguments);
    }

    /** Listens for packets on port 8080 of the world outside. */
    private static final class UdpEar implements AutoCloseable {
        private static final String EAR = """
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind(("0.0.0.0", 8080))
                s.settimeout(20)
                print("ready", flush=True)
                print(s.recvfrom(100)[1][0], flush=True)
                """;
        private final Process process;

        UdpEar(String world) throws IOException {
            process = server("ip", "netns", "exec", world, "python3", "-c", EAR);
        }

        String firstSender() throws IOException {
            return process.inputReader().readLine();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}

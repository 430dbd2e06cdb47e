package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Connection tracking of a network namespace that the test makes. */
@Tag("kernel")
class TrackedConnectionsTest {
    private static final String NAME = "sandlot-test-tracked";
    private static final String RULES =
            "table ip t { chain c { type filter hook output priority 0; ct state new accept; }; }";

    @BeforeEach
    void makeNamespace() throws Exception {
        run("ip", "netns", "add", NAME);
        run("ip", "-n", NAME, "link", "set", "lo", "up");
        run("ip", "netns", "exec", NAME, "nft", RULES);
    }

    @AfterEach
    void removeNamespace() throws Exception {
        run("ip", "netns", "del", NAME);
    }

    @Test
    void theConnectionsOfOneAddressAreForgottenAndNoOthers() throws Exception {
        try (Fd namespace = HostFiles.forReading(Path.of("/run/netns", NAME))) {
            String left = Namespaces.inside(namespace, Namespaces.Kind.NET, () -> {
                send("127.0.0.2", "127.0.0.3");
                send("127.0.0.4", "127.0.0.5");
                send("127.0.0.6", "127.0.0.2");
                assertThat(tracked()).contains("src=127.0.0.2 ", "src=127.0.0.4 ", "dst=127.0.0.2 ");
                Netlink.forgetConnections(address("127.0.0.2"));
                return tracked();
            });
            assertThat(left).contains("src=127.0.0.4 ").doesNotContain("=127.0.0.2 ");
        }
    }

    private static void send(String from, String to) throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, address(from))) {
            socket.send(new DatagramPacket(new byte[] {1}, 1, address(to), 9999));
        }
    }

    private static Inet4Address address(String text) {
        return (Inet4Address) Inet4Address.ofLiteral(text);
    }

    private static String tracked() throws IOException {
        return Files.readString(Path.of("/proc/thread-self/net/nf_conntrack"));
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }
}

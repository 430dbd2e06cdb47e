package dev.sandlot.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ExchangeHandler;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The image registry has a port of its own, and its paths on the API's (design.md 7). */
@Timeout(60)
class RegistryListenerTest {
    private static FrontDoor door(int registryPort) {
        return new FrontDoor(
                List.of(
                        new FrontListener("127.0.0.1", 0, FrontListener.Kind.ALL),
                        new FrontListener("127.0.0.1", registryPort, FrontListener.Kind.REGISTRY)),
                named("api"),
                named("registry"),
                (id, port, exchange) -> named("sandbox").handle(exchange));
    }

    private static ExchangeHandler named(String name) {
        return exchange -> exchange.send(200, name.getBytes(StandardCharsets.UTF_8));
    }

    private static String ask(int port, String path, String... headers) throws Exception {
        try (RawClient client = new RawClient(port)) {
            client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + String.join("", headers) + "\r\n");
            String answer = client.readAnswer();
            return answer.substring(answer.indexOf("\r\n\r\n") + 4);
        }
    }

    @Test
    void thePortOfTheRegistryIsTheRegistrys() throws Exception {
        try (FrontDoor door = door(0)) {
            door.start();
            assertThat(ask(door.port(1), "/v2/")).isEqualTo("registry");
            assertThat(ask(door.port(1), "/health")).isEqualTo("registry");
            assertThat(ask(door.port(1), "/sandboxes")).isEqualTo("registry");
            assertThat(door.unbound()).isEmpty();
        }
    }

    @Test
    void onTheApisPortItsPathsAreToldApart() throws Exception {
        try (FrontDoor door = door(0)) {
            door.start();
            assertThat(ask(door.port(0), "/v2/")).isEqualTo("registry");
            assertThat(ask(door.port(0), "/v2/e2b/custom-envs/t/manifests/b")).isEqualTo("registry");
            assertThat(ask(door.port(0), "/v2/templates")).isEqualTo("api");
            assertThat(ask(door.port(0), "/health")).isEqualTo("api");
            assertThat(ask(
                            door.port(0),
                            "/v2/token",
                            "E2b-Sandbox-Id: i0123456789abcdefghij\r\n",
                            "E2b-Sandbox-Port: 80\r\n"))
                    .isEqualTo("sandbox");
        }
    }

    @Test
    void aTakenPortLeavesTheRestServing() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                FrontDoor door = door(taken.getLocalPort())) {
            door.start();
            assertThat(ask(door.port(0), "/v2/")).isEqualTo("registry");
            assertThat(door.unbound()).hasSize(1);
            assertThat(door.unbound().values())
                    .allSatisfy(why -> assertThat(why).isNotEmpty());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/",
                "/v2/token",
                "/v2/a/blobs/uploads/",
                "/v2/a/b/blobs/sha256:x",
                "/v2/a/manifests/v1",
                "/v2/a/tags/list",
                "/v2/a/referrers/sha256:x",
                "/v2/a/blobs/uploads/x-y"
            })
    void theRegistrysPaths(String path) {
        assertThat(RegistryPaths.match(path)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/v2",
                "/v2/sandboxes",
                "/v2/sandboxes/i1/logs",
                "/v2/sandboxes/i1/connect",
                "/v2/templates",
                "/v2/templates/t",
                "/v2/templates/t/builds/b",
                "/templates/t/tags",
                "/v2/manifests/x",
                "/v2/tokens"
            })
    void theApisPaths(String path) {
        assertThat(RegistryPaths.match(path)).isFalse();
    }
}

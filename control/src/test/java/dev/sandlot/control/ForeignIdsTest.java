package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.SandboxId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * What belongs to another team is as unknown as what is not there: every described operation whose path names a
 * thing answers both alike, word for word (public-api.md 3.3, 8.1).
 */
class ForeignIdsTest {
    private static final Map<String, String> BODIES = Map.of(
            "timeout", "{\"timeout\":1}",
            "connect", "{\"timeout\":1}",
            "tags", "{\"target\":\"%s\",\"name\":\"%s\",\"tags\":[\"x\"]}");

    @TempDir
    Path directory;

    @TestFactory
    Stream<DynamicTest> foreignThingsAreAsUnknownAsMissingOnes() throws ApiException {
        TestServer server = TestServer.open(directory);
        String other = server.otherTeam("other");
        Map<String, String> foreign = Map.of(
                "sandboxID", server.create(),
                "templateID", server.ownTemplate("mine"),
                "alias", server.ownTemplate("mine"),
                "apiKeyID",
                        server.store
                                .teams()
                                .keys(server.team().id())
                                .getFirst()
                                .id()
                                .toString(),
                "teamID", server.team().id().toString());
        Map<String, String> missing = Map.of(
                "sandboxID", SandboxId.random().value(),
                "templateID", "a".repeat(20),
                "alias", "a".repeat(20),
                "apiKeyID", UUID.randomUUID().toString(),
                "teamID", UUID.randomUUID().toString());
        return server.control.apiRoutes().stream()
                .filter(route -> route.access() == Access.TEAM
                        || route.access() == Access.TEAM_OR_TOKEN
                        || route.access() == Access.KEYS)
                .filter(route -> route.template().contains("{"))
                .map(route -> DynamicTest.dynamicTest(route.method() + " " + route.template(), () -> {
                    TestServer.Answer onForeign = call(server, other, route, foreign);
                    TestServer.Answer onMissing = call(server, other, route, missing);
                    assertThat(onForeign.status()).isIn(400, 404, 501).isEqualTo(onMissing.status());
                    assertThat(neutral(onForeign.text(), foreign)).isEqualTo(neutral(onMissing.text(), missing));
                    assertThat(server.node.running).hasSize(1);
                }))
                .onClose(server::close);
    }

    private static TestServer.Answer call(TestServer server, String key, Route route, Map<String, String> ids) {
        String path = route.template();
        for (Map.Entry<String, String> id : ids.entrySet()) {
            path = path.replace("{" + id.getKey() + "}", id.getValue());
        }
        String last = path.substring(path.lastIndexOf('/') + 1);
        String body = BODIES.getOrDefault(last, "{\"name\":\"x\"}");
        MemoryExchange exchange = new MemoryExchange(route.method(), path.replaceAll("\\{[^}]*}", "x"));
        if (!route.method().equals("GET") && !route.method().equals("DELETE")) {
            exchange.body(body.getBytes(StandardCharsets.UTF_8));
        }
        if (route.access() == Access.KEYS) {
            UUID team = server.store.teams().bySlug("other").orElseThrow().id();
            return server.send(
                    exchange.header("X-Admin-Token", TestServer.ADMIN_TOKEN).header("X-Team-ID", team.toString()));
        }
        return server.send(exchange.header("X-API-Key", key));
    }

    private static String neutral(String text, Map<String, String> ids) {
        String neutral = text;
        for (Map.Entry<String, String> id : ids.entrySet()) {
            neutral = neutral.replace(id.getValue(), id.getKey());
        }
        return neutral;
    }

    @TestFactory
    Stream<DynamicTest> foreignTemplatesInBodiesAreUnknownToo() throws ApiException {
        TestServer server = TestServer.open(directory);
        String other = server.otherTeam("other");
        String foreign = server.ownTemplate("mine");
        String missing = "a".repeat(20);
        return Stream.of(
                        "POST /v2/sandboxes {\"templateID\":\"%s\"}",
                        "POST /sandboxes {\"templateID\":\"%s\"}",
                        "POST /templates/tags {\"target\":\"%s\",\"tags\":[\"x\"]}",
                        "DELETE /templates/tags {\"name\":\"%s\",\"tags\":[\"x\"]}")
                .map(line -> DynamicTest.dynamicTest(line, () -> {
                    String[] parts = line.split(" ", 3);
                    JsonNode onForeign = server.callAs(other, parts[0], parts[1], parts[2].formatted(foreign))
                            .expect(404)
                            .json();
                    JsonNode onMissing = server.callAs(other, parts[0], parts[1], parts[2].formatted(missing))
                            .expect(404)
                            .json();
                    assertThat(onForeign.toString().replace(foreign, "it"))
                            .isEqualTo(onMissing.toString().replace(missing, "it"));
                }))
                .onClose(server::close);
    }
}

package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Templates as they are (public-api.md 13.7 to 13.11). */
class TemplateReadsTest {
    @TempDir
    Path directory;

    private TestServer server;
    private String own;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
        own = server.ownTemplate("mine");
    }

    @AfterEach
    void close() {
        server.close();
    }

    private JsonNode get(String path) {
        return server.call("GET", path).expect(200).json();
    }

    private static List<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::stringValue).toList();
    }

    /** 24.2: the CLI's table needs aliases and createdBy. */
    @Test
    void ownTemplatesAreListedWithEveryField() {
        JsonNode list = get("/templates");
        assertThat(list).hasSize(1);
        JsonNode template = list.get(0);
        assertThat(template.propertyNames())
                .containsExactlyInAnyOrder(
                        "templateID",
                        "buildID",
                        "cpuCount",
                        "memoryMB",
                        "diskSizeMB",
                        "public",
                        "aliases",
                        "names",
                        "createdAt",
                        "updatedAt",
                        "createdBy",
                        "lastSpawnedAt",
                        "spawnCount",
                        "buildCount",
                        "envdVersion",
                        "buildStatus");
        assertThat(template.get("templateID").stringValue()).isEqualTo(own);
        assertThat(texts(template.get("aliases"))).containsExactly("mine");
        assertThat(texts(template.get("names"))).containsExactly("local/mine");
        assertThat(template.get("createdBy").isNull()).isTrue();
        assertThat(template.get("lastSpawnedAt").isNull()).isTrue();
        assertThat(template.get("buildStatus").stringValue()).isEqualTo("ready");
        assertThat(get("/templates?teamID=" + server.team().id())).hasSize(1);
        server.call("GET", "/templates?teamID=" + UUID.randomUUID()).expect(400);
    }

    @Test
    void startsAreCounted() throws Exception {
        server.create("{\"templateID\":\"mine\"}");
        Instant patience = Instant.now().plusSeconds(10);
        while (get("/templates").get(0).get("spawnCount").longValue() == 0) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.sleep(10);
        }
        assertThat(get("/templates/" + own).get("lastSpawnedAt").isString()).isTrue();
    }

    @Test
    void pagesFollowEachOtherToTheEnd() {
        for (int i = 0; i < 4; i++) {
            server.ownTemplate("t" + i);
        }
        List<String> seen = new ArrayList<>();
        Optional<String> token = Optional.of("");
        while (token.isPresent()) {
            TestServer.Answer page = server.call("GET", "/v2/templates?limit=2&nextToken=" + token.get())
                    .expect(200);
            page.json().forEach(template -> seen.add(template.get("templateID").stringValue()));
            token = page.headers().first("X-Next-Token");
        }
        assertThat(seen).hasSize(5).doesNotHaveDuplicates().contains(own);
        server.call("GET", "/v2/templates?nextToken=nonsense").expect(400);
    }

    @Test
    void aTemplateIsToldWithItsBuilds() {
        server.ownTemplate("mine");
        TestServer.Answer first =
                server.call("GET", "/templates/" + own + "?limit=1").expect(200);
        assertThat(first.json().get("builds")).hasSize(1);
        String next = first.headers().first("X-Next-Token").orElseThrow();
        TestServer.Answer second = server.call("GET", "/templates/" + own + "?limit=1&nextToken=" + next);
        assertThat(second.json().get("builds"))
                .hasSize(1)
                .isNotEqualTo(first.json().get("builds"));
        assertThat(second.headers().has("X-Next-Token")).isFalse();
        server.call("GET", "/templates/mine").expect(404);
        server.call("GET", "/templates/" + server.templateId).expect(403);
    }

    /** 13.11; what SDKs ask to see whether a name is taken. */
    @Test
    void namesAreFound() {
        assertThat(get("/templates/aliases/mine").get("templateID").stringValue())
                .isEqualTo(own);
        assertThat(get("/templates/aliases/local%2Fmine%3Adefault")
                        .get("public")
                        .booleanValue())
                .isFalse();
        assertThat(get("/templates/aliases/base").get("public").booleanValue()).isTrue();
        server.call("GET", "/templates/aliases/nothing").expect(404);
        server.call("GET", "/templates/aliases/mine%3Av9").expect(404);
        server.call("GET", "/templates/aliases/MINE%20").expect(200);
        server.call("GET", "/templates/aliases/a%2Fb%2Fc").expect(400);
        assertThat(server.call("GET", "/templates/aliases/other%2Fmine")
                        .expect(400)
                        .message())
                .isEqualTo("namespace 'other' must match your team 'local'");
    }

    @Test
    void tagsAreGivenListedAndTakenAway() {
        String body = "{\"target\":\"mine\",\"tags\":[\"v1\",\"Stable\"]}";
        JsonNode given =
                server.call("POST", "/templates/tags", body).expect(201).json();
        assertThat(texts(given.get("tags"))).containsExactly("v1", "stable");
        JsonNode tags = get("/templates/local%2Fmine/tags");
        assertThat(tags.valueStream().map(tag -> tag.get("tag").stringValue()))
                .containsExactly("default", "stable", "v1");
        server.create("{\"templateID\":\"mine:v1\"}");
        server.create("{\"templateID\":\"mine:" + given.get("buildID").stringValue() + "\"}");
        server.call("DELETE", "/templates/tags", "{\"name\":\"mine\",\"tags\":[\"v1\",\"v7\"]}")
                .expect(204);
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"mine:v1\"}").expect(404);
        assertThat(get("/templates/" + own + "/tags")).hasSize(2);
    }

    @Test
    void tagsThatCannotBeAreRefused() {
        for (String tags : List.of("[]", "[\"a b\"]", "[\"" + UUID.randomUUID() + "\"]", "[1]")) {
            server.call("POST", "/templates/tags", "{\"target\":\"mine\",\"tags\":" + tags + "}")
                    .expect(400);
        }
        server.call("POST", "/templates/tags", "{\"target\":\"nothing\",\"tags\":[\"a\"]}")
                .expect(404);
        server.call("POST", "/templates/tags", "{\"target\":\"base\",\"tags\":[\"a\"]}")
                .expect(403);
        server.call("DELETE", "/templates/tags", "{\"name\":\"mine\",\"tags\":[\"default\"]}")
                .expect(400);
        server.call("DELETE", "/templates/tags", "{\"name\":\"mine:v1\",\"tags\":[\"v1\"]}")
                .expect(400);
        server.call("DELETE", "/templates/tags", "").expect(400);
    }

    @Test
    void visibilityIsChangedInBothForms() {
        assertThat(texts(server.call("PATCH", "/v2/templates/mine", "{\"public\":true}")
                        .expect(200)
                        .json()
                        .get("names")))
                .containsExactly("local/mine");
        String other = server.otherTeam("other");
        server.callAs(other, "POST", "/v2/sandboxes", "{\"templateID\":\"local/mine\"}")
                .expect(201);
        server.callAs(other, "PATCH", "/v2/templates/local%2Fmine", "{\"public\":false}")
                .expect(403);
        server.call("PATCH", "/v2/templates/" + own, "{}").expect(200);
        assertThat(get("/templates/" + own).get("public").booleanValue()).isTrue();
        assertThat(server.call("PATCH", "/templates/mine", "{\"public\":true}")
                        .expect(200)
                        .text())
                .isEqualTo("null");
        server.callAs(other, "POST", "/v2/sandboxes", "{\"templateID\":\"mine\"}")
                .expect(201);
        server.ownTemplate("base");
        server.call("PATCH", "/templates/base", "{\"public\":true}").expect(409);
        server.call("PATCH", "/v2/templates/mine", "{\"public\":false}").expect(200);
        server.callAs(other, "POST", "/v2/sandboxes", "{\"templateID\":\"local/mine\"}")
                .expect(404);
    }

    /** 13.8. */
    @Test
    void aTemplateInUseStaysAndOneThatIsNotGoesWithItsNames() {
        String id = server.create("{\"templateID\":\"mine\"}");
        assertThat(server.call("DELETE", "/templates/mine").expect(400).message())
                .contains("sandboxes use it");
        server.call("DELETE", "/sandboxes/" + id).expect(204);
        server.call("DELETE", "/templates/local%2Fmine%3Adefault").expect(204);
        server.call("DELETE", "/templates/" + own).expect(404);
        server.call("GET", "/templates/" + own).expect(404);
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"mine\"}").expect(404);
        assertThat(get("/templates")).isEmpty();
        assertThat(server.ownTemplate("mine")).isNotEqualTo(own);
        server.call("DELETE", "/templates/base2").expect(404);
        server.call("DELETE", "/templates/" + server.templateId).expect(403);
    }
}

package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry.Level;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Builds as older clients ask for them (public-api.md 13.12, template-build.md 17). */
class LegacyBuildsTest {
    private static final String DOCKERFILE = "{\"dockerfile\":\"FROM debian\",\"alias\":\"old\",\"startCmd\":\"run\"}";

    @TempDir
    Path directory;

    private TestServer server;
    private UUID person;
    private String token;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
        person = server.store.people().personOf(new Identity("issuer", "anna"));
        server.store.people().addMember(server.team().id(), person);
        ApiKeys.Minted minted = PersonTokens.mint();
        server.store.people().addToken(new PersonStore.StoredToken(UUID.randomUUID(), person, "token", minted));
        token = minted.raw();
    }

    @AfterEach
    void close() {
        server.close();
    }

    private TestServer.Answer bearer(String method, String path, String body) {
        return server.send(new MemoryExchange(method, path)
                .header("Authorization", "Bearer " + token)
                .body(body.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aBuildIsAskedForByAliasAlone() {
        JsonNode asked = server.call("POST", "/v2/templates", "{\"alias\":\"mine\",\"cpuCount\":4,\"memoryMB\":512}")
                .expect(202)
                .json();
        assertThat(asked.propertyNames())
                .contains("templateID", "buildID", "public", "aliases", "createdAt", "createdBy", "envdVersion");
        assertThat(asked.get("cpuCount").intValue()).isEqualTo(4);
        server.call(
                        "POST",
                        "/v2/templates/" + asked.get("templateID").stringValue() + "/builds/"
                                + asked.get("buildID").stringValue(),
                        "{\"fromImage\":\"a\"}")
                .expect(202);
        server.call("POST", "/v2/templates", "{}").expect(400);
    }

    @Test
    void anImageThatWasPushedIsBuilt() {
        JsonNode asked = bearer("POST", "/templates", DOCKERFILE).expect(202).json();
        assertThat(asked.get("aliases").get(0).stringValue()).isEqualTo("old");
        UUID buildId = UUID.fromString(asked.get("buildID").stringValue());
        String path = "/templates/" + asked.get("templateID").stringValue() + "/builds/" + buildId;
        assertThat(bearer("POST", path, "").expect(202).text()).isEmpty();
        BuildPlan plan = server.builder.plans.get(buildId);
        assertThat(plan.origin()).isEqualTo(new BuildOrigin.Pushed());
        assertThat(plan.semantics()).isEqualTo(BuildPlan.Semantics.V1_0);
        assertThat(plan.startCommand()).isEqualTo("run");
        assertThat(plan.readyCommand()).isNull();
        assertThat(plan.force()).isTrue();
        bearer("POST", path, "").expect(400);
        server.builder.log(buildId, Level.INFO, "base", "hello", 0);
        JsonNode status = bearer("GET", path + "/status", "").expect(200).json();
        assertThat(status.get("logs").get(0).stringValue()).isEqualTo("[1970-01-01T00:00:00.000Z] hello\n");
        assertThat(status.get("logEntries")).hasSize(1);
    }

    @Test
    void aTemplateIsBuiltAgainAndMayGetAnotherName() {
        JsonNode first = bearer("POST", "/templates", DOCKERFILE).expect(202).json();
        String id = first.get("templateID").stringValue();
        JsonNode second = bearer("POST", "/templates/" + id, "{\"dockerfile\":\"FROM b\",\"alias\":\"new\"}")
                .expect(202)
                .json();
        assertThat(second.get("templateID").stringValue()).isEqualTo(id);
        assertThat(second.get("names").valueStream().map(JsonNode::stringValue)).containsExactly("local/new");
        bearer("POST", "/templates/" + id, "{\"dockerfile\":\"FROM b\"}").expect(202);
        server.call("GET", "/templates/aliases/old").expect(404);
        bearer("POST", "/templates/" + id, "{\"dockerfile\":\"FROM b\",\"alias\":\"base\"}")
                .expect(403);
        bearer("POST", "/templates/" + id, "{\"alias\":\"new\"}").expect(400);
        bearer("POST", "/templates/" + server.templateId, DOCKERFILE).expect(404);
        bearer("POST", "/templates/nothing", DOCKERFILE).expect(404);
        JsonNode unnamed = bearer("POST", "/templates", "{\"dockerfile\":\"FROM b\"}")
                .expect(202)
                .json();
        assertThat(unnamed.get("aliases")).isEmpty();
    }

    @Test
    void keysAndStrangersAreNotTaken() {
        server.call("POST", "/templates", DOCKERFILE).expect(401);
        server.otherTeam("other");
        UUID other = server.store.teams().bySlug("other").orElseThrow().id();
        String named = "{\"dockerfile\":\"FROM b\",\"alias\":\"x\",\"teamID\":\"" + other + "\"}";
        bearer("POST", "/templates", named).expect(403);
        server.store.people().addMember(other, person);
        JsonNode asked = bearer("POST", "/templates", named).expect(202).json();
        assertThat(asked.get("names").valueStream().map(JsonNode::stringValue)).containsExactly("other/x");
        String path = "/templates/" + asked.get("templateID").stringValue() + "/builds/"
                + asked.get("buildID").stringValue();
        bearer("POST", path, "").expect(202);
    }

    @Test
    void aBuildWithStepsIsNotStartedTheOldWay() {
        JsonNode asked =
                server.call("POST", "/v3/templates", "{\"name\":\"mine\"}").json();
        String path = "/templates/" + asked.get("templateID").stringValue() + "/builds/"
                + asked.get("buildID").stringValue();
        bearer("POST", path, "").expect(400);
    }
}

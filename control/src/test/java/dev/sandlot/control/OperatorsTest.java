package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What operators see and do (public-api.md 17). */
class OperatorsTest {
    private static final String NEW = "{\"templateID\":\"base\"}";

    @TempDir
    Path directory;

    private TestServer server;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private TestServer.Answer get(String path) {
        return server.send(server.operator("GET", path));
    }

    private TestServer.Answer assign(String status) {
        return server.send(server.operator("POST", "/nodes/memory", "{\"status\":\"" + status + "\"}"));
    }

    private String status() {
        return get("/nodes/memory").expect(200).json().get("status").stringValue();
    }

    @Test
    void nodesAreListedWithTheirLoad() {
        server.create();
        JsonNode nodes = get("/nodes").expect(200).json();
        assertThat(nodes).hasSize(1);
        JsonNode node = nodes.get(0);
        assertThat(node.get("sandboxCount").intValue()).isEqualTo(1);
        assertThat(node.get("createSuccesses").longValue()).isEqualTo(1);
        assertThat(node.get("maxSandboxes").longValue()).isEqualTo(1000);
        assertThat(node.get("metrics").get("allocatedCPU").intValue()).isEqualTo(Resources.DEFAULT.cpuCount());
        assertThat(node.has("sandboxStartingCount")).isTrue();
        assertThat(get("/nodes/memory").expect(200).json().has("sandboxStartingCount"))
                .isFalse();
        get("/nodes/other").expect(404);
        String elsewhere = "?clusterID=" + UUID.randomUUID();
        assertThat(get("/nodes" + elsewhere).expect(200).json()).isEmpty();
        get("/nodes/memory" + elsewhere).expect(404);
        get("/nodes?clusterID=x").expect(400);
    }

    @Test
    void failedStartsAreCounted() {
        server.node.createFailure = new ApiException(ErrorKind.INTERNAL, "no");
        server.call("POST", "/v2/sandboxes", NEW).expect(500);
        assertThat(get("/nodes/memory").json().get("createFails").longValue()).isEqualTo(1);
    }

    /** platform.md 8.2. */
    @Test
    void aNodeThatIsNotReadyGetsNoNewSandboxes() throws ApiException {
        String id = server.create();
        for (String status : new String[] {"standby", "draining"}) {
            assign(status).expect(204);
            assertThat(status()).isEqualTo(status);
            TestServer.Answer refused =
                    server.call("POST", "/v2/sandboxes", NEW).expect(503);
            assertThat(refused.json().get("error_code").stringValue()).isEqualTo("sandbox_capacity_unavailable");
            server.call("GET", "/sandboxes/" + id).expect(200);
        }
        assertThat(assign("standby").expect(409).message()).contains("draining");
        server = server.restart();
        assertThat(status()).isEqualTo("draining");
        assign("ready").expect(204);
        server.create();
    }

    @Test
    void onlyWishesThatANodeCanFulfilAreTaken() {
        assign("unhealthy").expect(409);
        assign("lazy").expect(400);
        server.send(server.operator("POST", "/nodes/memory", "{}")).expect(400);
        server.send(server.operator("POST", "/nodes/other", "{\"status\":\"ready\"}"))
                .expect(404);
        server.call("GET", "/nodes").expect(401);
    }

    @Test
    void allSandboxesOfATeamAreKilledAndNoOthers() throws ApiException {
        String other = server.otherTeam("other");
        server.callAs(other, "POST", "/v2/sandboxes", NEW).expect(201);
        for (int i = 0; i < 25; i++) {
            server.create();
        }
        String team = server.team().id().toString();
        assertThat(get("/admin/sandboxes/running-counts").json().get(team).intValue())
                .isEqualTo(25);
        JsonNode counts = server.send(server.operator("POST", "/admin/teams/" + team + "/sandboxes/kill"))
                .expect(200)
                .json();
        assertThat(counts.get("killedCount").intValue()).isEqualTo(25);
        assertThat(counts.get("failedCount").intValue()).isZero();
        assertThat(get("/admin/sandboxes/running-counts").json().has(team)).isFalse();
        assertThat(server.callAs(other, "GET", "/v2/sandboxes").json()).hasSize(1);
    }

    @Test
    void failedKillsAreCounted() {
        server.create();
        server.node.killFailure = new ApiException(ErrorKind.INTERNAL, "no");
        JsonNode counts = server.send(
                        server.operator("POST", "/admin/teams/" + server.team().id() + "/sandboxes/kill"))
                .json();
        assertThat(counts.get("failedCount").intValue()).isEqualTo(1);
    }

    @Test
    void teamsThatAreNotThereAreTold() {
        for (String what : new String[] {"/sandboxes/kill", "/builds/cancel"}) {
            server.send(server.operator("POST", "/admin/teams/" + UUID.randomUUID() + what))
                    .expect(404);
            server.send(server.operator("POST", "/admin/teams/x" + what)).expect(400);
        }
        JsonNode counts = server.send(
                        server.operator("POST", "/admin/teams/" + server.team().id() + "/builds/cancel"))
                .expect(200)
                .json();
        assertThat(counts.get("cancelledCount").intValue()).isZero();
    }

    @Test
    void aSandboxIsFoundWhoseverItIs() {
        String id = server.create();
        JsonNode running = get("/admin/sandboxes/" + id).expect(200).json();
        assertThat(running.get("state").stringValue()).isEqualTo("running");
        assertThat(running.get("teamID").stringValue())
                .isEqualTo(server.team().id().toString());
        server.call("DELETE", "/sandboxes/" + id).expect(204);
        assertThat(get("/admin/sandboxes/" + id).expect(200).json().get("state").stringValue())
                .isEqualTo("killed");
        get("/admin/sandboxes/i00000000000000000000").expect(404);
        get("/admin/sandboxes/a-b-c").expect(400);
    }

    @Test
    void rigsAreNotSupported() {
        get("/clusters/" + UUID.randomUUID() + "/rigs").expect(501);
    }

    /** 3.1: a team by its public project ID. */
    @Test
    void aTeamMayBeNamedByItsProjectId() {
        String project = ProjectIds.text(server.team().id());
        server.send(server.operator("POST", "/admin/teams/" + project + "/api-keys", "{\"name\":\"k\"}"))
                .expect(201);
        server.send(server.operator("POST", "/admin/teams/prj_x/sandboxes/kill"))
                .expect(400);
        server.send(server.operator("POST", "/admin/teams/" + ProjectIds.text(UUID.randomUUID()) + "/sandboxes/kill"))
                .expect(404);
        server.call("GET", "/templates?teamID=" + project).expect(200);
        server.call("GET", "/templates?teamID=" + ProjectIds.text(UUID.randomUUID()))
                .expect(400);
    }
}

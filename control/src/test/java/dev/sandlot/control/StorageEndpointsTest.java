package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What operators see and take of what builds have left. */
class StorageEndpointsTest {
    @TempDir
    private Path directory;

    private TestServer server;

    @BeforeEach
    void open() throws Exception {
        server = TestServer.open(
                directory, ControlSettings.withSeed(TestServer.SEED).withAdminToken(TestServer.ADMIN_TOKEN));
    }

    @AfterEach
    void close() {
        server.close();
    }

    private TestServer.Answer get(String target) {
        return server.send(server.operator("GET", target));
    }

    @Test
    void theCacheIsPrunedToASize() {
        server.builder.cached.put("k1", "RUN one");
        server.builder.cached.put("k2", "RUN two");
        JsonNode cache = get("/admin/cache").expect(200).json();
        assertThat(cache.get("bytes").longValue()).isEqualTo(2 << 20);
        assertThat(cache.get("items").findValuesAsString("step")).containsExactlyInAnyOrder("RUN one", "RUN two");

        JsonNode pruned = server.send(server.operator("POST", "/admin/cache/prune?keepMB=1"))
                .expect(200)
                .json();
        assertThat(pruned.get("entries").intValue()).isEqualTo(1);
        assertThat(server.builder.cached).hasSize(1);
    }

    @Test
    void aTemplateIsFoundByNameOfATeamAndById() {
        TemplateBuild build = TestServer.build("0.5.0");
        String id = server.control.templates().registerBuild(server.team().id(), "tool", build);

        get("/admin/templates/tool/export").expect(404);
        JsonNode found = get("/admin/templates/" + server.team().slug() + "%2Ftool/export")
                .expect(200)
                .json();
        assertThat(found.get("templateID").stringValue()).isEqualTo(id);
        assertThat(UUID.fromString(found.get("buildID").stringValue())).isEqualTo(build.id());
        assertThat(get("/admin/templates/" + id + "%3A" + build.id() + "/export/rootfs.tar")
                        .expect(200)
                        .text())
                .isEqualTo("root of " + build.layers());
    }

    @Test
    void anArchiveThatCannotBeFinishedIsCut() {
        server.builder.damaged = true;
        AtomicBoolean aborted = new AtomicBoolean();
        MemoryExchange exchange = new MemoryExchange("GET", "/admin/templates/base/export/image.tar") {
            @Override
            public void abort() {
                aborted.set(true);
            }
        };
        server.send(exchange.header("X-Admin-Token", TestServer.ADMIN_TOKEN)).expect(200);
        assertThat(aborted).isTrue();
    }
}

package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives of images pass whole, whatever their length, for operators alone. */
class ImageEndpointsTest {
    private static final Duration DEADLINE = Duration.ofMillis(300);

    @TempDir
    private Path directory;

    private TestServer server;

    @BeforeEach
    void open() throws Exception {
        server = TestServer.open(
                directory,
                ControlSettings.withSeed(TestServer.SEED)
                        .withAdminToken(TestServer.ADMIN_TOKEN)
                        .withApi(ApiSettings.DEFAULT.withRequestDeadline(DEADLINE)));
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static MemoryExchange exchange(InputStream body, long length) {
        return new MemoryExchange("POST", "/admin/images?name=tool%3A1").body(body, length);
    }

    private static MemoryExchange signed(MemoryExchange exchange) {
        return exchange.header("X-Admin-Token", TestServer.ADMIN_TOKEN);
    }

    @Test
    void anArchiveIsNoBodyOfTheUsualLimits() {
        byte[] large = new byte[Call.BODY_LIMIT + 1];
        InputStream slow = new ByteArrayInputStream(large) {
            @Override
            public synchronized byte[] readAllBytes() {
                LockSupport.parkNanos(2 * DEADLINE.toNanos());
                return large;
            }
        };
        assertThat(server.send(signed(exchange(slow, large.length)))
                        .expect(201)
                        .json()
                        .get(0)
                        .get("name")
                        .stringValue())
                .isEqualTo("tool:1");
        assertThat(server.builder.images.get("tool:1")).hasSize(large.length);
    }

    @Test
    void nobodyButAnOperatorBringsImages() {
        byte[] archive = "archive".getBytes(StandardCharsets.UTF_8);
        server.send(exchange(new ByteArrayInputStream(archive), archive.length).header("X-API-Key", server.key))
                .expect(401);
        assertThat(server.builder.images).isEmpty();
    }
}

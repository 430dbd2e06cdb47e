package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.SandboxId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What is answered, and what is made up for, when the store goes away and comes back. */
@Tag("kernel")
@ExtendWith(WithPostgres.class)
class StoreOutageTest {
    @TempDir
    Path directory;

    private final PostgresServer database;

    StoreOutageTest(PostgresServer database) {
        this.database = database;
    }

    @Test
    void requestsGet503WithOneLineInTheLogAndEndsAreRecordedAfterwards() throws Exception {
        StoreLocation location = new StoreLocation.Postgres(database.newDatabase(), 4);
        SqlStore store = (SqlStore) location.open(new StoreUse(directory, null));
        try (TestServer server = TestServer.open(directory, store);
                LogLines log = new LogLines()) {
            SandboxId killed = created(server);
            SandboxId kept = created(server);
            database.stop();
            try {
                outage(server, killed, log);
            } finally {
                database.start();
            }
            awaitNone(() -> Optional.ofNullable(store.trouble()));
            awaitNone(() -> server.rows().stream().filter(killed::equals).findAny());
            assertThat(store.sandboxes().ending(killed).orElseThrow().reason()).isEqualTo(KillReason.REQUEST);
            assertThat(server.rows()).containsExactly(kept);
            server.call("GET", "/ready").expect(200);
            assertThat(log.texts())
                    .filteredOn(text -> text.contains("answers again"))
                    .hasSize(1);
        }
    }

    private static void outage(TestServer server, SandboxId killed, LogLines log) {
        server.call("DELETE", "/sandboxes/" + killed).expect(204);
        List<String> creates = List.of("{\"templateID\":\"base\"}", "{\"templateID\":\"base\",\"timeout\":9}");
        for (String create : creates) {
            long began = System.nanoTime();
            TestServer.Answer refused =
                    server.call("POST", "/sandboxes", create).expect(503);
            assertThat(refused.message()).contains("does not answer");
            assertThat(refused.headers().first("Retry-After")).contains("5");
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(15));
        }
        server.call("GET", "/health").expect(200);
        assertThat(server.call("GET", "/ready").expect(503).text()).contains("does not answer");
        assertThat(log.texts())
                .filteredOn(text -> text.contains("cannot be used"))
                .hasSize(1);
        assertThat(log.all())
                .allSatisfy(line -> assertThat(line.getThrowableProxy()).isNull());
    }

    private static SandboxId created(TestServer server) {
        return SandboxId.parse(server.call("POST", "/sandboxes", "{\"templateID\":\"base\",\"timeout\":600}")
                        .expect(201)
                        .json()
                        .get("sandboxID")
                        .stringValue())
                .orElseThrow();
    }

    private interface Look {
        Optional<?> now();
    }

    private static void awaitNone(Look look) throws InterruptedException {
        long patience = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (look.now().isPresent()) {
            assertThat(System.nanoTime()).isLessThan(patience);
            Thread.sleep(20);
        }
    }

    @Test
    void oneEntryThatFailsAloneDoesNotKeepUpTheOthers() {
        StoreBacklog backlog = new StoreBacklog();
        AtomicInteger written = new AtomicInteger();
        StoreAwayException away = new StoreAwayException("away", null);
        RuntimeException[] failure = {away};
        Runnable write = () -> {
            if (failure[0] != null) {
                throw failure[0];
            }
            written.incrementAndGet();
        };
        backlog.write("first", write);
        backlog.write("bad", () -> {
            throw new IllegalStateException("never");
        });
        backlog.write("last", write);
        backlog.retry();
        assertThat(written).hasValue(0);
        failure[0] = null;
        backlog.retry();
        backlog.retry();
        assertThat(written).hasValue(2);
    }
}

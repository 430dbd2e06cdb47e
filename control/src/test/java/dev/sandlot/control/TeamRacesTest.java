package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What operators do to a team while its sandboxes start (public-api.md 2.3, 17.1). */
@Timeout(60)
class TeamRacesTest {
    private static final String NEW = "{\"templateID\":\"base\"}";

    @TempDir
    Path directory;

    private TestServer server;
    private String path;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
        path = "/admin/teams/" + server.team().id();
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static <T> CompletableFuture<T> run(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> Thread.ofVirtual().start(task));
    }

    private List<CompletableFuture<TestServer.Answer>> creates(String key, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> run(() -> server.callAs(key, "POST", "/v2/sandboxes", NEW)))
                .toList();
    }

    private void awaitStarts(int count) throws InterruptedException {
        while (server.node.creating.get() < count) {
            Thread.sleep(1);
        }
    }

    private void assertNothingIsLeft() {
        assertThat(server.node.running).isEmpty();
        assertThat(server.rows()).isEmpty();
        assertThat(server.send(server.operator("GET", "/admin/sandboxes")).json())
                .isEmpty();
    }

    @Test
    void aBanRefusesStartsInFlight() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        var creates = creates(server.key, 6);
        awaitStarts(6);
        server.send(server.operator("PATCH", path, "{\"isBanned\":true}")).expect(200);
        gate.countDown();
        creates.forEach(
                create -> assertThat(create.join().expect(403).message()).isEqualTo("team is banned"));
        assertNothingIsLeft();
        server.send(server.operator("PATCH", path, "{\"isBanned\":false}")).expect(200);
        IntStream.range(0, 20).forEach(i -> server.create());
    }

    @Test
    void aBlockRefusesStartsInFlight() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        var creates = creates(server.key, 2);
        awaitStarts(2);
        server.send(server.operator("PATCH", path, "{\"isBlocked\":true,\"blockedReason\":\"unpaid\"}"))
                .expect(200);
        gate.countDown();
        creates.forEach(
                create -> assertThat(create.join().expect(403).message()).isEqualTo("team is blocked: unpaid"));
        assertNothingIsLeft();
    }

    /** A kill answers when no start it met can become a sandbox any more, and counts them. */
    @Test
    void killingATeamCoversItsStarts() throws Exception {
        server.create();
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        var creates = creates(server.key, 3);
        awaitStarts(4);
        var kill = run(() -> server.send(server.operator("POST", path + "/sandboxes/kill")));
        while (server.node.killing.get() < 4) {
            Thread.sleep(1);
        }
        assertThat(kill).isNotDone();
        gate.countDown();
        var counts = kill.join().expect(200).json();
        assertNothingIsLeft();
        assertThat(counts.get("killedCount").intValue()).isEqualTo(4);
        assertThat(counts.get("failedCount").intValue()).isZero();
        creates.forEach(create -> create.join().expect(500));
    }

    @Test
    void whoIsBannedAndKilledWhileStartingIsToldOfTheBan() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        var creates = creates(server.key, 2);
        awaitStarts(2);
        server.send(server.operator("PATCH", path, "{\"isBanned\":true}")).expect(200);
        var kill = run(() -> server.send(server.operator("POST", path + "/sandboxes/kill")));
        while (server.node.killing.get() < 2) {
            Thread.sleep(1);
        }
        gate.countDown();
        kill.join().expect(200);
        assertNothingIsLeft();
        creates.forEach(create -> create.join().expect(403));
    }

    /** However ban, kill and creates fall: after both were answered nothing of the team runs. */
    @Test
    void nothingRunsAfterABanAndAKill() {
        for (int round = 0; round < 30; round++) {
            var creates = creates(server.key, 6);
            server.send(server.operator("PATCH", path, "{\"isBanned\":true}")).expect(200);
            server.send(server.operator("POST", path + "/sandboxes/kill")).expect(200);
            creates.forEach(create -> assertThat(create.join().status()).isIn(201, 403));
            assertNothingIsLeft();
            server.send(server.operator("PATCH", path, "{\"isBanned\":false}")).expect(200);
        }
    }

    /** A change of something else must not take a ban back. */
    @Test
    void changesAtOnceDoNotUndoEachOther() {
        for (int round = 0; round < 30; round++) {
            var ban = run(() -> server.send(server.operator("PATCH", path, "{\"isBanned\":true}")));
            var name = run(() -> server.send(server.operator("PATCH", path, "{\"name\":\"other\"}")));
            ban.join().expect(200);
            name.join().expect(200);
            assertThat(server.team().standing().banned()).isTrue();
            server.send(server.operator("PATCH", path, "{\"isBanned\":false,\"name\":\"one\"}"))
                    .expect(200);
        }
    }

    /** Whatever comes first: the team stays with its sandboxes, or goes and its creates are refused as by a key of no team. */
    @Test
    void aTeamThatIsDeletedWhileItStartsSandboxes() {
        for (int round = 0; round < 40; round++) {
            String slug = "team" + round;
            String key = server.otherTeam(slug);
            String team = "/admin/teams/"
                    + server.store.teams().bySlug(slug).orElseThrow().id();
            server.callAs(key, "GET", "/v2/sandboxes").expect(200);
            var creates = creates(key, 6);
            int deleted = server.send(server.operator("DELETE", team)).status();
            List<Integer> statuses =
                    creates.stream().map(create -> create.join().status()).toList();
            assertThat(deleted).isIn(204, 409);
            assertThat(statuses).allMatch(List.of(201, 401)::contains);
            if (deleted == 204) {
                assertThat(statuses).containsOnly(401);
            } else {
                server.send(server.operator("POST", team + "/sandboxes/kill")).expect(200);
            }
            assertNothingIsLeft();
        }
    }

    /** The rows refuse, as the team went after the caller was let in. */
    @Test
    void whatATeamAsksForAfterItIsGoneIsRefusedAsUnknown() {
        String key = server.otherTeam("gone");
        var id = server.store.teams().bySlug("gone").orElseThrow().id();
        server.callAs(key, "GET", "/v2/sandboxes").expect(200);
        assertThat(server.store.teams().deleteTeam(id)).isTrue();
        server.callAs(key, "POST", "/v2/sandboxes", NEW).expect(401);
        assertNothingIsLeft();
    }
}

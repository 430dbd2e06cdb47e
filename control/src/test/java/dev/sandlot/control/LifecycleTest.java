package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Races, ends of time and restarts (public-api.md 8.1, platform.md 4 and 7). */
class LifecycleTest {
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

    private List<String> listed() {
        return server.call("GET", "/sandboxes")
                .json()
                .valueStream()
                .map(item -> item.get("sandboxID").stringValue())
                .toList();
    }

    private List<String> onNode() {
        return server.node.running.keySet().stream().map(SandboxId::value).toList();
    }

    private List<String> inStore() {
        return server.rows().stream().map(SandboxId::value).toList();
    }

    /** After any storm of calls, memory, store, node and quota tell the same story. */
    @Test
    @Timeout(60)
    void allViewsAgreeAfterAStorm() throws Exception {
        CopyOnWriteArrayList<String> targets = new CopyOnWriteArrayList<>();
        IntStream.range(0, 10).forEach(i -> targets.add(server.create()));
        ConcurrentLinkedQueue<Integer> statuses = new ConcurrentLinkedQueue<>();
        CountDownLatch go = new CountDownLatch(1);
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> runs = new ArrayList<>();
            for (int thread = 0; thread < 100; thread++) {
                Random random = new Random(thread);
                runs.add(pool.submit(() -> {
                    go.await();
                    for (int i = 0; i < 12; i++) {
                        statuses.add(step(random, targets));
                    }
                    return null;
                }));
            }
            go.countDown();
            for (Future<?> run : runs) {
                run.get();
            }
        }
        assertThat(statuses).hasSize(1200).allMatch(List.of(200, 201, 204, 404, 409)::contains);
        List<String> left = onNode();
        assertThat(listed()).containsExactlyInAnyOrderElementsOf(left);
        assertThat(inStore()).containsExactlyInAnyOrderElementsOf(left);
        Map<SandboxId, Instant> stored = server.store.sandboxes().all().stream()
                .collect(Collectors.toMap(SandboxRecord::id, SandboxRecord::endAt));
        stored.forEach((id, end) -> assertThat(server.endAt(id.value())).isEqualTo(end));
        left.forEach(id -> server.call("DELETE", "/sandboxes/" + id).expect(204));
        assertThat(onNode()).isEmpty();
        assertThat(inStore()).isEmpty();
    }

    private int step(Random random, List<String> targets) {
        int slot = random.nextInt(targets.size());
        String id = targets.get(slot);
        return switch (random.nextInt(6)) {
            case 0 -> {
                int status = server.call("DELETE", "/sandboxes/" + id).status();
                targets.set(slot, server.create());
                yield status;
            }
            case 1 ->
                server.call("POST", "/sandboxes/" + id + "/timeout", "{\"timeout\":" + (60 + random.nextInt(60)) + "}")
                        .status();
            case 2 ->
                server.call(
                                "POST",
                                "/v2/sandboxes/" + id + "/connect",
                                "{\"timeout\":" + (60 + random.nextInt(600)) + "}")
                        .status();
            case 3 ->
                server.call("POST", "/sandboxes/" + id + "/refreshes", "{\"duration\":700}")
                        .status();
            case 4 -> server.call("GET", "/sandboxes/" + id).status();
            default -> server.call("GET", "/v2/sandboxes?limit=5").status();
        };
    }

    /** The limit holds exactly under a storm, and every place comes back. */
    @Test
    @Timeout(60)
    void theQuotaIsExactUnderAStorm() throws Exception {
        server.close();
        server = TestServer.open(directory, ControlSettings.withSeed("s").withLimits(7, 1));
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> runs = new ArrayList<>();
            for (int thread = 0; thread < 40; thread++) {
                runs.add(pool.submit(() -> {
                    for (int i = 0; i < 5; i++) {
                        var answer = server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}");
                        assertThat(server.node.running.size()).isLessThanOrEqualTo(7);
                        if (answer.status() == 201) {
                            String id = answer.json().get("sandboxID").stringValue();
                            server.call("DELETE", "/sandboxes/" + id).expect(204);
                        } else {
                            answer.expect(429);
                        }
                    }
                }));
            }
            for (Future<?> run : runs) {
                run.get();
            }
        }
        IntStream.range(0, 7).forEach(i -> server.create());
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(429);
    }

    /** platform.md 7: to the second, under load, whatever was moved before. */
    @Test
    @Timeout(30)
    void sandboxesEndInTime() throws Exception {
        List<String> stays = new ArrayList<>();
        Map<String, Instant> ends = new ConcurrentHashMap<>();
        for (int i = 0; i < 60; i++) {
            String id = server.create("{\"templateID\":\"base\",\"timeout\":" + (i % 3 == 0 ? 600 : 2) + "}");
            if (i % 3 == 0) {
                server.call("POST", "/sandboxes/" + id + "/timeout", "{\"timeout\":2}")
                        .expect(204);
            } else if (i % 3 == 1) {
                server.call("POST", "/v2/sandboxes/" + id + "/connect", "{\"timeout\":500}")
                        .expect(200);
                stays.add(id);
                continue;
            }
            ends.put(id, server.endAt(id));
        }
        while (!ends.isEmpty()) {
            Instant now = Instant.now();
            ends.entrySet().removeIf(entry -> {
                boolean gone = !server.node.running.containsKey(new SandboxId(entry.getKey()));
                assertThat(now).isBefore(entry.getValue().plusSeconds(1));
                assertThat(gone && Instant.now().isBefore(entry.getValue())).isFalse();
                return gone;
            });
            Thread.sleep(2);
        }
        assertThat(onNode()).containsExactlyInAnyOrderElementsOf(stays);
    }

    /** platform.md 4: a sandbox whose end could not be carried out is an orphan, killed later. */
    @Test
    void orphansAreKilledAtTheSecondLook() throws ApiException {
        String id = server.create();
        server.node.killFailure = new ApiException(ErrorKind.UNAVAILABLE, "busy");
        server.call("DELETE", "/sandboxes/" + id).expect(503);
        server.node.killFailure = null;
        String kept = server.create();
        Lifecycle lifecycle = new Lifecycle(server.store, server.node, new AccessTokens("s"), InstantSource.system());
        server.store.sandboxes().all().forEach(lifecycle::adopt);
        Reconciliation reconciliation =
                new Reconciliation(server.store.sandboxes(), server.node, lifecycle, InstantSource.system());
        reconciliation.reconcile();
        assertThat(onNode()).containsExactlyInAnyOrder(id, kept);
        reconciliation.reconcile();
        assertThat(onNode()).containsExactly(kept);
        server.node.running.clear();
        reconciliation.reconcile();
        lifecycle.close();
        assertThat(inStore()).isEmpty();
    }

    /** design.md 5: after a restart what runs is kept, with its end; what does not is dropped. */
    @Test
    @Timeout(30)
    void aRestartKeepsWhatRuns() throws Exception {
        String kept = server.create("{\"templateID\":\"base\",\"metadata\":{\"a\":\"b\"}}");
        String soon = server.create("{\"templateID\":\"base\",\"timeout\":2}");
        String lost = server.create();
        String replaced = server.create();
        Instant end = server.endAt(kept);
        String token = server.call("GET", "/sandboxes/" + kept)
                .json()
                .get("envdAccessToken")
                .stringValue();
        SandboxRecord cut = cutStart();
        SandboxId stray = server.node.stray();
        server.node.running.remove(new SandboxId(lost));
        server.node.running.computeIfPresent(new SandboxId(replaced), (id, spec) -> otherRun(spec));
        server = server.restart();
        assertThat(listed()).containsExactlyInAnyOrder(kept, soon);
        assertThat(onNode()).containsExactlyInAnyOrder(kept, soon);
        assertThat(inStore()).containsExactlyInAnyOrder(kept, soon);
        assertThat(server.endAt(kept)).isEqualTo(end);
        var detail = server.call("GET", "/sandboxes/" + kept).expect(200).json();
        assertThat(detail.get("envdAccessToken").stringValue()).isEqualTo(token);
        assertThat(detail.get("metadata").get("a").stringValue()).isEqualTo("b");
        for (SandboxId gone : List.of(new SandboxId(lost), new SandboxId(replaced), cut.id())) {
            assertThat(server.store.sandboxes().ending(gone).orElseThrow().reason())
                    .isEqualTo(KillReason.ORPHANED);
        }
        assertThat(server.node.running).doesNotContainKey(stray);
        while (!listed().equals(List.of(kept))) {
            Thread.sleep(5);
        }
        server.call("DELETE", "/sandboxes/" + kept).expect(204);
    }

    /** A start that was cut after the node had begun it. */
    private SandboxRecord cutStart() {
        SandboxId id = server.node.stray();
        UUID execution = server.node.running.get(id).executionId();
        Instant now = Moments.now(server.clock);
        SandboxRecord cut = new SandboxRecord(
                id,
                execution,
                server.team().id(),
                new SandboxRecord.Origin("t", UUID.randomUUID(), "", "0.6.13"),
                Resources.DEFAULT,
                SandboxRecord.Options.NONE,
                SandboxState.STARTING,
                now,
                now.plusSeconds(60));
        server.store.sandboxes().begin(cut);
        return cut;
    }

    private static SandboxSpec otherRun(SandboxSpec spec) {
        return new SandboxSpec(
                spec.id(),
                UUID.randomUUID(),
                spec.teamId(),
                spec.templateId(),
                spec.buildId(),
                spec.layers(),
                spec.cpuCount(),
                spec.memoryMb(),
                spec.diskMb(),
                spec.envVars(),
                spec.envdAccessToken(),
                spec.defaultUser(),
                spec.defaultWorkdir(),
                true,
                null,
                spec.endAt());
    }

    /** What ended while the server was down ends at once. */
    @Test
    @Timeout(30)
    void sandboxesWhoseTimePassedWhileDownEnd() throws Exception {
        server.create("{\"templateID\":\"base\",\"timeout\":60}");
        server.clock.forward(Duration.ofSeconds(61));
        server = server.restart();
        while (!onNode().isEmpty() || !inStore().isEmpty()) {
            Thread.sleep(2);
        }
    }

    /** Each sandbox has one entry, that of its last time; a cancelled one does not fire. */
    @Test
    @Timeout(30)
    void theQueueFiresEachEntryOnceAtItsLastTime() throws Exception {
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        AtomicReference<Instant> now = new AtomicReference<>(start);
        BlockingQueue<SandboxId> fired = new LinkedBlockingQueue<>();
        try (ExpiryQueue queue = new ExpiryQueue(now::get, fired::add)) {
            SandboxId first = SandboxId.random();
            SandboxId second = SandboxId.random();
            SandboxId cancelled = SandboxId.random();
            queue.schedule(second, start.plusMillis(1));
            queue.schedule(second, start.plusMillis(30));
            queue.schedule(first, start.plusSeconds(100));
            queue.schedule(first, start.plusMillis(20));
            queue.schedule(cancelled, start.plusMillis(10));
            queue.cancel(cancelled);
            now.set(start.plusMillis(20));
            assertThat(fired.poll(20, TimeUnit.SECONDS)).isEqualTo(first);
            assertThat(fired.poll(100, TimeUnit.MILLISECONDS)).isNull();
            now.set(start.plusSeconds(200));
            assertThat(fired.poll(20, TimeUnit.SECONDS)).isEqualTo(second);
            assertThat(fired.poll(100, TimeUnit.MILLISECONDS)).isNull();
        }
    }
}

package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Rows of {@code docs/api-rows.md} that no other test holds (public-api.md 24.2, 24.3). */
class ApiRowsTest {
    private static final Pattern SEMANTIC = Pattern.compile("\\d+\\.\\d+\\.\\d+");

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

    /** 24.2: a version that is missing or no version breaks both SDKs at create. */
    @Test
    void everyViewTellsAVersionThatCanBeCompared() {
        JsonNode made = server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}")
                .expect(201)
                .json();
        String id = made.get("sandboxID").stringValue();
        List<JsonNode> views = List.of(
                made,
                server.call("GET", "/sandboxes/" + id).json(),
                server.call("GET", "/sandboxes").json().get(0),
                server.call("GET", "/v2/sandboxes").json().get(0),
                server.call("POST", "/v2/sandboxes/" + id + "/connect").json());
        assertThat(views)
                .allSatisfy(view ->
                        assertThat(view.get("envdVersion").stringValue()).matches(SEMANTIC));
    }

    /** 24.2, 6.1: states that Python does not know raise there. */
    @Test
    void statesAndLifecyclesAreThoseOfTheContract() {
        String id = server.create();
        JsonNode detail = server.call("GET", "/sandboxes/" + id).expect(200).json();
        assertThat(detail.get("state").stringValue()).isIn("running", "paused");
        assertThat(detail.get("lifecycle").get("onTimeout").stringValue()).isIn("kill", "pause");
        assertThat(server.call("GET", "/v2/sandboxes")
                        .json()
                        .get(0)
                        .get("state")
                        .stringValue())
                .isIn("running", "paused");
    }

    /** 24.3, connect: callers at once all get the one sandbox, and none starts another. */
    @Test
    void concurrentConnectsGiveOneSandbox() throws Exception {
        String id = server.create();
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<TestServer.Answer>> answers = IntStream.range(0, 50)
                    .mapToObj(i -> callers.submit(() -> server.call("POST", "/v2/sandboxes/" + id + "/connect")))
                    .toList();
            for (Future<TestServer.Answer> answer : answers) {
                assertThat(answer.get().expect(200).json().get("sandboxID").stringValue())
                        .isEqualTo(id);
            }
        }
        assertThat(server.node.creating.get()).isEqualTo(1);
    }

    /** 24.2, 9.4: every pair must be equal, letter by letter; one that is not there matches nothing. */
    @ParameterizedTest
    @ValueSource(strings = {"a%3DB", "a%3D", "A%3Db", "a%3Db%26c%3Dx", "a%3Dbb", "c%3Dd%26e%3D"})
    void metadataThatIsNearlyEqualIsNotEqual(String filter) {
        server.create("{\"templateID\":\"base\",\"metadata\":{\"a\":\"b\",\"c\":\"d\"}}");
        assertThat(server.call("GET", "/v2/sandboxes?metadata=" + filter)
                        .expect(200)
                        .json())
                .isEmpty();
        assertThat(server.call("GET", "/v2/sandboxes?metadata=c%3Dd%26a%3Db")
                        .expect(200)
                        .json())
                .hasSize(1);
    }

    /** 24.2, 9.2: the lists of the contract are comma-separated. */
    @Test
    void aListOfStatesIsSeparatedByCommas() {
        server.create();
        assertThat(server.call("GET", "/v2/sandboxes?state=running,paused")
                        .expect(200)
                        .json())
                .hasSize(1);
        assertThat(server.call("GET", "/v2/sandboxes?state=running%2Cpaused")
                        .expect(200)
                        .json())
                .hasSize(1);
        server.call("GET", "/v2/sandboxes?state=running;paused").expect(400);
    }

    /** 24.3: what comes later says so, changes nothing, and is not mistaken for a success. */
    @ParameterizedTest
    @ValueSource(strings = {"pause", "resume", "fork", "snapshots"})
    void laterStepsOfALifeLeaveTheSandboxAlone(String step) {
        String id = server.create();
        JsonNode before = server.call("GET", "/sandboxes/" + id).json();
        server.call("POST", "/sandboxes/" + id + "/" + step, "{}").expect(501);
        assertThat(server.call("GET", "/sandboxes/" + id).expect(200).json()).isEqualTo(before);
    }
}

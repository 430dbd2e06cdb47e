package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lists of sandboxes (public-api.md 4, 9.2 to 9.4). */
class SandboxListTest {
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

    private static List<String> ids(TestServer.Answer answer) {
        return answer.expect(200)
                .json()
                .valueStream()
                .map(item -> item.get("sandboxID").stringValue())
                .toList();
    }

    private List<String> list(String query) {
        return ids(server.call("GET", "/v2/sandboxes?" + query));
    }

    /** Three by three in time: within a millisecond the name decides. */
    private List<String> createSome(int count) {
        List<String> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            made.add(server.create());
            if (i % 3 == 2) {
                server.clock.forward(Duration.ofMillis(50));
            }
        }
        return made;
    }

    private List<String> pages(String query) {
        List<String> all = new ArrayList<>();
        Optional<String> token = Optional.empty();
        do {
            String next = token.map(t -> "&nextToken=" + URLEncoder.encode(t, StandardCharsets.UTF_8))
                    .orElse("");
            TestServer.Answer answer = server.call("GET", "/v2/sandboxes?" + query + next);
            List<String> page = ids(answer);
            assertThat(page).isNotEmpty();
            assertThat(answer.headers().first("X-Total-Running")).contains("10");
            all.addAll(page);
            token = answer.headers().first("X-Next-Token");
            token.ifPresent(text -> assertThat(text).matches("[A-Za-z0-9_=-]+"));
        } while (token.isPresent());
        return all;
    }

    /** 4: both orders visit every sandbox once, and the last page has no token. */
    @Test
    void pagesCoverTheListBothWays() {
        List<String> made = createSome(10);
        for (int limit : new int[] {1, 3, 5, 9, 10, 100}) {
            List<String> newestFirst = pages("limit=" + limit);
            List<String> oldestFirst = pages("order=asc&limit=" + limit);
            assertThat(newestFirst).containsExactlyInAnyOrderElementsOf(made);
            assertThat(oldestFirst).isEqualTo(newestFirst.reversed());
        }
    }

    /** 4: sandboxes that come or go between two pages disturb nothing. */
    @Test
    void aPageIsNotDisturbedByChanges() {
        createSome(6);
        TestServer.Answer first = server.call("GET", "/v2/sandboxes?limit=3");
        List<String> seen = ids(first);
        String token = first.headers().first("X-Next-Token").orElseThrow();
        server.call("DELETE", "/sandboxes/" + seen.getLast()).expect(204);
        server.clock.forward(Duration.ofMillis(50));
        server.create();
        List<String> rest = list("limit=10&nextToken=" + URLEncoder.encode(token, StandardCharsets.UTF_8));
        assertThat(rest).hasSize(3).doesNotContainAnyElementsOf(seen);
    }

    @Test
    void badParametersAreRefused() {
        server.create();
        for (String query : new String[] {
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=99999999999",
            "order=up",
            "state=killed",
            "state=running,",
            "state=",
            "startedAfter=yesterday",
            "startedAfter=",
            "template=a%20b",
            "template=base:v1",
            "template=base:default",
            "nextToken=x",
            "nextToken=",
            "nextToken=%20",
            "nextToken=YWJj",
            "nextToken=MjAyNi0wMS0wMVQwMDowMDowMFpfX18%3D",
            "metadata=",
            "metadata=a",
            "metadata=a%3Db%26c",
            "metadata=a%3Db%3Dc",
            "metadata=a%3D%25zz",
            "state=paused&metadata=a",
            "a=%zz"
        }) {
            server.call("GET", "/v2/sandboxes?" + query).expect(400);
        }
    }

    /** 4: a token belongs to its order. */
    @Test
    void aTokenOfTheOtherOrderIsRefused() {
        createSome(2);
        for (String[] orders : new String[][] {{"asc", "desc"}, {"desc", "asc"}}) {
            String token = server.call("GET", "/v2/sandboxes?limit=1&order=" + orders[0])
                    .headers()
                    .first("X-Next-Token")
                    .orElseThrow();
            assertThat(server.call("GET", "/v2/sandboxes?order=" + orders[1] + "&nextToken=" + token)
                            .expect(400)
                            .message())
                    .isEqualTo("Invalid next token");
        }
    }

    /** 9.2: states are a comma list; the total is told where running ones were asked for. */
    @Test
    void statesAreFiltered() {
        String id = server.create();
        assertThat(list("state=running")).containsExactly(id);
        assertThat(list("state=running%2Cpaused")).containsExactly(id);
        assertThat(list("state=running&state=paused")).containsExactly(id);
        TestServer.Answer paused = server.call("GET", "/v2/sandboxes?state=paused");
        assertThat(ids(paused)).isEmpty();
        assertThat(paused.headers().has("X-Total-Running")).isFalse();
        assertThat(server.call("GET", "/v2/sandboxes").headers().first("X-Total-Running"))
                .contains("1");
    }

    /** 9.2: inclusive. */
    @Test
    void theStartIsFilteredInclusively() {
        String first = server.create();
        server.clock.forward(Duration.ofSeconds(5));
        String second = server.create();
        Instant start = Instant.parse(server.call("GET", "/sandboxes/" + second)
                .json()
                .get("startedAt")
                .stringValue());
        assertThat(list("startedAfter=" + start)).containsExactly(second);
        assertThat(list("startedAfter=" + start.plusMillis(1))).isEmpty();
        assertThat(list("startedAfter=" + start.minusSeconds(60))).containsExactly(second, first);
    }

    /** 9.2. */
    @Test
    void templatesAreFilteredByNameAndId() {
        String other = server.control.templates().registerBuild(null, "other", TestServer.build("0.6.13"));
        String plain = server.create();
        String special = server.create("{\"templateID\":\"other\"}");
        assertThat(list("template=other")).containsExactly(special);
        assertThat(list("template=" + other)).containsExactly(special);
        assertThat(list("template=base")).containsExactly(plain);
        assertThat(list("template=unknown")).isEmpty();
    }

    private static String threeLayers(Map<String, String> pairs) {
        String form = pairs.entrySet().stream()
                .map(pair -> form(escape(pair.getKey())) + "=" + form(escape(pair.getValue())))
                .collect(Collectors.joining("&"));
        return escape(form);
    }

    private static String escape(String text) {
        return form(text).replace("+", "%20");
    }

    private static String form(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** 9.4. */
    @Test
    void metadataIsFilteredThroughThreeLayersOfEscapes() {
        String odd = "a b&c=d%20e+f/ü🧀";
        String body = Json.MAPPER.writeValueAsString(
                Map.of("templateID", "base", "metadata", Map.of("user", odd, "app", "prod", odd, "x")));
        String id = server.create(body);
        server.create("{\"templateID\":\"base\",\"metadata\":{\"user\":\"a\"}}");
        server.create();
        assertThat(list("metadata=" + threeLayers(Map.of("user", odd)))).containsExactly(id);
        assertThat(list("metadata=" + threeLayers(Map.of("user", odd, "app", "prod", odd, "x"))))
                .containsExactly(id);
        assertThat(list("metadata=" + threeLayers(Map.of("user", odd, "app", "Prod"))))
                .isEmpty();
        assertThat(list("metadata=app%3Dprod")).containsExactly(id);
        assertThat(list("metadata=app%3Dpro")).isEmpty();
        assertThat(threeLayers(Map.of("user", "a b"))).isEqualTo("user%3Da%252520b");
        assertThat(ids(server.call("GET", "/sandboxes?metadata=" + threeLayers(Map.of("user", odd)))))
                .containsExactly(id);
    }

    /** 9.3, 6.3. */
    @Test
    void theOldListHasAllThatRunsNewestFirst() {
        List<String> made = createSome(4);
        TestServer.Answer answer = server.call("GET", "/sandboxes");
        assertThat(ids(answer)).containsExactlyInAnyOrderElementsOf(made).isEqualTo(list(""));
        assertThat(answer.json().get(0).propertyNames())
                .containsExactlyInAnyOrder(
                        "templateID",
                        "sandboxID",
                        "clientID",
                        "alias",
                        "startedAt",
                        "endAt",
                        "cpuCount",
                        "memoryMB",
                        "diskSizeMB",
                        "state",
                        "envdVersion",
                        "volumeMounts");
    }

    /** 8.1: other teams' sandboxes are not there. */
    @Test
    void teamsSeeOnlyTheirOwn() {
        server.create();
        String stranger = server.otherTeam("stranger");
        for (String path : new String[] {"/v2/sandboxes", "/sandboxes"}) {
            assertThat(ids(server.send(new MemoryExchange("GET", path).header("X-API-Key", stranger))))
                    .isEmpty();
        }
    }
}

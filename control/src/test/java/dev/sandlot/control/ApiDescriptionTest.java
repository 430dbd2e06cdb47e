package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The description and the routes say the same (public-api.md 5). */
class ApiDescriptionTest {
    private static final Map<Access, String> SECURITY = Map.of(
            Access.OPEN, "[]",
            Access.TEAM, "[ApiKeyAuth, ProviderTokenAuth+TeamAuth, AdminTokenAuth+TeamAuth]",
            Access.TEAM_OR_TOKEN, "[ApiKeyAuth, AccessTokenAuth, ProviderTokenAuth+TeamAuth, AdminTokenAuth+TeamAuth]",
            Access.TOKEN, "[AccessTokenAuth, ProviderTokenAuth+TeamAuth]",
            Access.KEYS, "[ProviderTokenAuth+TeamAuth, AdminTokenAuth+TeamAuth]",
            Access.USER, "[AccessTokenAuth, ProviderTokenAuth]",
            Access.PERSON, "[ProviderTokenAuth]",
            Access.OPERATOR, "[AdminTokenAuth]");

    @TempDir
    Path directory;

    private TestServer server;
    private final ApiDescription description = ApiDescription.load();

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private Map<String, Route> routes() {
        return server.control.apiRoutes().stream()
                .filter(route -> !route.template().equals("/openapi.json"))
                .collect(Collectors.toMap(route -> route.method() + " " + route.template(), route -> route));
    }

    @Test
    void everyRouteIsDescribedAndEveryDescribedOperationHasARoute() {
        assertThat(new TreeSet<>(routes().keySet()))
                .isEqualTo(new TreeSet<>(description.operations().keySet()));
    }

    /** 5.1 to 5.4 hold 75 operations; six more are served for older clients. */
    @Test
    void everyOperationOfTheContractIsKnown() {
        assertThat(description.operations().values())
                .filteredOn(operation -> !operation.node().has("x-sandlot-own"))
                .hasSize(81);
        assertThat(GoneOperations.routes()).hasSize(6);
    }

    @Test
    void whoMayCallIsDescribedAsItIs() {
        Map<String, String> described = new TreeMap<>();
        Map<String, String> served = new TreeMap<>();
        description.operations().forEach((name, operation) -> described.put(name, security(operation.node())));
        routes().forEach((name, route) -> served.put(name, SECURITY.get(route.access())));
        assertThat(served).isEqualTo(described);
    }

    private static String security(JsonNode operation) {
        return operation
                .get("security")
                .valueStream()
                .map(scheme -> String.join("+", scheme.propertyNames()))
                .toList()
                .toString();
    }

    @Test
    void whatIsLaterIsDescribedSo() {
        Set<String> later = routes().entrySet().stream()
                .filter(entry -> entry.getValue().operation() instanceof LaterOperations.Later)
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
        Set<String> described = description.operations().entrySet().stream()
                .filter(entry -> entry.getValue().node().has("x-sandlot-state"))
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
        assertThat(later).isEqualTo(described);
    }

    @Test
    void everyReferenceLeadsSomewhere() {
        JsonNode document = description.document();
        List<JsonNode> references = document.findValues("$ref");
        assertThat(references).isNotEmpty();
        assertThat(references)
                .allSatisfy(reference -> assertThat(
                                document.at(reference.stringValue().substring(1))
                                        .isMissingNode())
                        .as(reference.stringValue())
                        .isFalse());
    }

    @Test
    void theDescriptionIsServedToAnyoneAndKnownByItsTag() {
        TestServer.Answer first =
                server.send(new MemoryExchange("GET", "/openapi.json")).expect(200);
        assertThat(first.json().get("openapi").stringValue()).startsWith("3.");
        assertThat(first.headers().first("Cache-Control")).contains("no-cache");
        String tag = first.headers().first("ETag").orElseThrow();
        for (String known : List.of(tag, "W/" + tag, "\"else\", " + tag, "*")) {
            TestServer.Answer again = server.send(
                            new MemoryExchange("GET", "/openapi.json").header("If-None-Match", known))
                    .expect(304);
            assertThat(again.text()).isEmpty();
            assertThat(again.headers().first("ETag")).contains(tag);
        }
        server.send(new MemoryExchange("GET", "/openapi.json").header("If-None-Match", "\"else\""))
                .expect(200);
        TestServer.Answer head = server.send(new MemoryExchange("HEAD", "/openapi.json"));
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.headers().first("ETag")).contains(tag);
    }

    @Test
    void requestsThatAreNotAsDescribedAreRefused() {
        for (String query :
                List.of("limit=0", "limit=101", "limit=x", "order=up", "state=killed", "startedAfter=now")) {
            assertThat(server.call("GET", "/v2/sandboxes?" + query).expect(400).message())
                    .startsWith("validation error: ");
        }
        String path = "/sandboxes/" + server.create();
        for (String body :
                List.of("", "[]", "{", "{}", "{\"timeout\":-1}", "{\"timeout\":1.5}", "{\"timeout\":\"1\"}")) {
            assertThat(server.call("POST", path + "/timeout", body).expect(400).message())
                    .startsWith("validation error: ");
        }
        server.call("POST", path + "/refreshes", "{\"duration\":3601}").expect(400);
        assertThat(server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\",\"envVars\":{\"A\":1}}")
                        .expect(400)
                        .message())
                .isEqualTo("validation error: property \"envVars.A\" is not a string");
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\",\"network\":{\"httpsPorts\":[1,1]}}")
                .expect(400);
    }
}

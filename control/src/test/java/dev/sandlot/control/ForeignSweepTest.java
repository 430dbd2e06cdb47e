package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.SandboxId;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Puts each ID of one team into every place of every described request of another: the answer is that for an ID
 * nobody has, save for the ID itself, and nothing of the first team changes (public-api.md 3.3, 8.1, 24.3).
 */
class ForeignSweepTest {
    private static final String RANDOM_PARTS = "i[a-z0-9]{20}|[0-9a-f]{64}|e2b_[0-9a-f]{40}"
            + "|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|20\\d\\d-[0-9T:.-]+Z"
            + "|\"masked[A-Za-z]+\":\"[^\"]*\"|created-at-[^\"]*";

    @TempDir
    static Path directory;

    private static TestProvider provider;
    private static TestServer server;
    private static String otherKey;
    private static UUID otherTeam;

    /** What it is, the one of the first team, and one that nobody has. */
    private record Named(String what, String foreign, String missing) {}

    /** Somewhere in a request that takes text. */
    private record Place(String name, List<String> property, String in) {}

    private static final List<Named> IDS = new ArrayList<>();

    @BeforeAll
    static void open() throws Exception {
        provider = new TestProvider();
        server = TestServer.open(
                directory,
                ControlSettings.withSeed(TestServer.SEED)
                        .withAdminToken(TestServer.ADMIN_TOKEN)
                        .withApi(ApiSettings.DEFAULT.withProviders(provider.setting())));
        otherKey = server.otherTeam("other");
        otherTeam = server.store.teams().bySlug("other").orElseThrow().id();
        UUID anna = server.store.people().personOf(new Identity(provider.issuer, "anna"));
        server.store.people().addMember(server.team().id(), anna);
        UUID bob = server.store.people().personOf(new Identity(provider.issuer, "bob"));
        server.store.people().addMember(otherTeam, bob);
        things(anna);
    }

    private static void things(UUID anna) {
        String template = server.ownTemplate("firstteams");
        String build = server.store.templates().builds(template).getFirst().id().toString();
        server.call("POST", "/templates/tags", "{\"target\":\"firstteams\",\"tags\":[\"secret\"]}")
                .expect(201);
        String own =
                server.create("{\"templateID\":\"firstteams\",\"metadata\":{\"of\":\"the first\"},\"timeout\":600}");
        String key =
                server.store.teams().keys(server.team().id()).getFirst().id().toString();
        UUID token = UUID.randomUUID();
        server.store.people().addToken(new PersonStore.StoredToken(token, anna, "t", PersonTokens.mint()));
        IDS.add(new Named("sandbox", own, SandboxId.random().value()));
        IDS.add(new Named("template", template, "a".repeat(20)));
        IDS.add(new Named("alias", "firstteams", "nobodyhas"));
        IDS.add(new Named("named", "local/firstteams", "local/nobodyhas"));
        IDS.add(new Named("tagged", "local/firstteams:secret", "local/nobodyhas:secret"));
        IDS.add(new Named("template with build", template + ":" + build, "a".repeat(20) + ":" + UUID.randomUUID()));
        IDS.add(new Named("build", build, UUID.randomUUID().toString()));
        IDS.add(new Named("base with build", "base:" + build, "base:" + UUID.randomUUID()));
        IDS.add(new Named(
                "team", server.team().id().toString(), UUID.randomUUID().toString()));
        IDS.add(new Named("key", key, UUID.randomUUID().toString()));
        IDS.add(new Named("access token", token.toString(), UUID.randomUUID().toString()));
    }

    @AfterAll
    static void close() {
        server.close();
        provider.close();
    }

    private static Stream<String> operations() {
        return AnswerRecord.operations().keySet().stream()
                .filter(name -> !AnswerRecord.operations()
                        .get(name)
                        .node()
                        .get("security")
                        .isEmpty())
                .filter(name -> !schemes(name).equals("[AdminTokenAuth]"))
                .sorted();
    }

    private static String schemes(String operation) {
        return AnswerRecord.operations()
                .get(operation)
                .node()
                .get("security")
                .valueStream()
                .map(scheme -> String.join("+", scheme.propertyNames()))
                .toList()
                .toString();
    }

    @TestFactory
    Stream<DynamicTest> foreignIdsAreAsUnknownAsThoseNobodyHas() {
        return operations()
                .flatMap(operation -> places(operation).stream()
                        .map(place -> DynamicTest.dynamicTest(
                                operation + ", " + place.in() + " " + place.name(), () -> sweep(operation, place))));
    }

    private static void sweep(String operation, Place place) {
        Map<String, String> before = state();
        for (Named id : IDS) {
            TestServer.Answer onForeign = server.send(request(operation, place, id.foreign()));
            TestServer.Answer onMissing = server.send(request(operation, place, id.missing()));
            assertThat(onForeign.status()).as("%s: %s", id, onForeign.text()).isEqualTo(onMissing.status());
            assertThat(neutral(onForeign.text(), id.foreign()))
                    .as(id.what())
                    .isEqualTo(neutral(onMissing.text(), id.missing()));
            assertThat(onForeign.headers().first("X-Total-Running"))
                    .isEqualTo(onMissing.headers().first("X-Total-Running"));
            assertThat(state()).as(id.what()).isEqualTo(before);
        }
        killOwn();
    }

    private static void killOwn() {
        server.callAs(otherKey, "GET", "/sandboxes")
                .expect(200)
                .json()
                .forEach(sandbox -> server.callAs(
                                otherKey,
                                "DELETE",
                                "/sandboxes/" + sandbox.get("sandboxID").stringValue())
                        .expect(204));
    }

    private static String neutral(String text, String id) {
        String name = id.contains(":") && !id.startsWith("base:") ? id.substring(0, id.indexOf(':')) : id;
        String tag = id.substring(id.indexOf(':') + 1);
        return text.replace(id, "ID")
                .replace("'" + name + "'", "'NAME'")
                .replace("'" + tag + "'", "'TAG'")
                .replaceAll(RANDOM_PARTS, "RANDOM");
    }

    /** All that the first team can see of its own, and what runs for it. */
    private static Map<String, String> state() {
        Map<String, String> state = new TreeMap<>();
        for (String path : List.of("/v2/sandboxes", "/v2/templates", "/templates/firstteams/tags")) {
            state.put(path, server.call("GET", path).expect(200).text());
        }
        state.put(
                "sandbox",
                server.call("GET", "/sandboxes/" + IDS.getFirst().foreign())
                        .expect(200)
                        .text());
        state.put(
                "keys",
                server.store.teams().keys(server.team().id()).stream()
                        .map(key -> key.id() + " " + key.name())
                        .toList()
                        .toString());
        state.put(
                "node",
                String.valueOf(server.node.running.containsKey(
                        new SandboxId(IDS.getFirst().foreign()))));
        return state;
    }

    private static MemoryExchange request(String operation, Place place, String value) {
        JsonNode node = AnswerRecord.operations().get(operation).node();
        String path = operation.substring(operation.indexOf(' ') + 1);
        String escaped = URLEncoder.encode(value, StandardCharsets.UTF_8);
        List<String> query = new ArrayList<>();
        if (place.in().equals("path")) {
            path = path.replace("{" + place.name() + "}", escaped);
        }
        if (place.in().equals("query")) {
            query.add(place.name() + "=" + escaped);
        }
        String target = path.replaceAll("\\{[^}]*}", "x");
        MemoryExchange exchange = new MemoryExchange(
                DescribedRequests.method(operation), query.isEmpty() ? target : target + "?" + String.join("&", query));
        if (node.has("requestBody")) {
            ObjectNode body = (ObjectNode) DescribedRequests.least(schema(node));
            if (body.has("templateID")) {
                body.put("templateID", "base");
            }
            if (place.in().equals("body")) {
                put(body, place.property(), value);
            }
            exchange.body(body.toString().getBytes(StandardCharsets.UTF_8));
        }
        return signed(operation, exchange);
    }

    private static MemoryExchange signed(String operation, MemoryExchange exchange) {
        if (schemes(operation).contains("ApiKeyAuth")) {
            return exchange.header("X-API-Key", otherKey);
        }
        return exchange.header("Authorization", "Bearer " + provider.token("bob"))
                .header("X-Team-ID", otherTeam.toString());
    }

    private static JsonNode schema(JsonNode operation) {
        return operation
                .get("requestBody")
                .get("content")
                .get("application/json")
                .get("schema");
    }

    private static void put(ObjectNode body, List<String> property, String value) {
        ObjectNode at = body;
        for (String name : property.subList(0, property.size() - 1)) {
            at = at.has(name) && at.get(name).isObject() ? (ObjectNode) at.get(name) : at.putObject(name);
        }
        String last = property.getLast();
        if (last.endsWith("[]")) {
            at.putArray(last.substring(0, last.length() - 2)).add(value);
        } else {
            at.put(last, value);
        }
    }

    private static List<Place> places(String operation) {
        JsonNode node = AnswerRecord.operations().get(operation).node();
        List<Place> places = new ArrayList<>();
        for (JsonNode parameter : node.path("parameters")) {
            String in = parameter.get("in").stringValue();
            if (!in.equals("header")) {
                places.add(new Place(parameter.get("name").stringValue(), List.of(), in));
            }
        }
        if (node.has("requestBody")) {
            collect(schema(node), List.of(), places);
        }
        return places;
    }

    private static void collect(JsonNode schema, List<String> at, List<Place> places) {
        JsonNode known = schema.has("$ref")
                ? ApiDescription.load()
                        .document()
                        .at(schema.get("$ref").stringValue().substring(1))
                : schema;
        JsonNode type = known.path("type");
        String kind = type.isArray() ? type.get(0).stringValue() : type.asString("");
        switch (kind) {
            case "string" -> places.add(new Place(String.join(".", at), at, "body"));
            case "array" -> collect(known.get("items"), renamedLast(at, name -> name + "[]"), places);
            case "object" -> {
                known.path("properties").properties().stream()
                        .filter(property -> !at.toString().contains("[]"))
                        .forEach(property -> collect(property.getValue(), with(at, property.getKey()), places));
                if (known.path("additionalProperties").isObject()) {
                    collect(known.get("additionalProperties"), with(at, "any"), places);
                }
            }
            default -> {}
        }
    }

    private static List<String> with(List<String> at, String name) {
        return Stream.concat(at.stream(), Stream.of(name)).toList();
    }

    private static List<String> renamedLast(List<String> at, UnaryOperator<String> change) {
        return with(at.subList(0, at.size() - 1), change.apply(at.getLast()));
    }

    /** Lists and counts of the other team know nothing of the first. */
    @Test
    void listsShowNothingOfOtherTeams() {
        operations()
                .filter(operation -> operation.startsWith("GET ") && !operation.contains("{"))
                .forEach(operation -> {
                    TestServer.Answer answer =
                            server.send(signed(operation, new MemoryExchange("GET", operation.substring(4))));
                    for (Named id : IDS) {
                        assertThat(answer.text()).as(operation).doesNotContain(id.foreign());
                    }
                    answer.headers()
                            .first("X-Total-Running")
                            .ifPresent(total -> assertThat(total).isEqualTo("0"));
                });
    }
}

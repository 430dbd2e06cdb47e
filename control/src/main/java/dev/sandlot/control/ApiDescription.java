package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** The description of the API, by which requests are checked and which anyone may read (public-api.md 1.1, 1.4). */
final class ApiDescription {
    private static final String RESOURCE = "openapi.json";
    private final byte[] text;
    private final String tag;
    private final JsonNode root;
    private final Map<String, DescribedOperation> operations = new HashMap<>();

    private ApiDescription(byte[] text) {
        this.text = text;
        this.tag = "\"" + HexFormat.of().formatHex(ApiKeys.sha256(text), 0, 16) + "\"";
        this.root = Json.MAPPER.readTree(text);
        JsonSchemas schemas = new JsonSchemas(root);
        root.get("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .properties()
                        .forEach(operation -> operations.put(
                                operation.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey(),
                                new DescribedOperation(operation.getValue(), schemas))));
    }

    static ApiDescription load() {
        try (InputStream in = ApiDescription.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("the program lacks its " + RESOURCE);
            }
            return new ApiDescription(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The document itself. */
    JsonNode document() {
        return root;
    }

    /** The operations by method and path. */
    Map<String, DescribedOperation> operations() {
        return Map.copyOf(operations);
    }

    /** Refuses a call that is not as described. */
    void check(Route route, Call call) throws ApiException, IOException {
        Optional<DescribedOperation> described =
                Optional.ofNullable(operations.get(route.method() + " " + route.template()));
        if (described.isPresent()) {
            described.get().check(call);
        }
    }

    List<Route> routes() {
        return List.of(
                new Route("GET", "/openapi.json", Access.OPEN, true, this::serve),
                new Route("HEAD", "/openapi.json", Access.OPEN, true, this::serve));
    }

    private Reply serve(Call call) {
        boolean known = call.headers("If-None-Match").stream()
                .flatMap(value -> List.of(value.split(",")).stream())
                .map(value -> value.strip().replaceFirst("^W/", ""))
                .anyMatch(value -> value.equals(tag) || value.equals("*"));
        Reply reply = known ? Reply.empty(304) : Reply.rawJson(200, text);
        return reply.with("ETag", tag).with("Cache-Control", "no-cache");
    }
}

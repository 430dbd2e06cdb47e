package dev.sandlot.app;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The few questions that {@code status} asks a running server over its own public API. */
final class ServerApi implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final String NEXT_TOKEN = "x-next-token";

    private final JsonMapper json = new JsonMapper();
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(PATIENCE).build();
    private final URI api;
    private final String apiKey;

    ServerApi(URI api, String apiKey) {
        this.api = api;
        this.apiKey = apiKey;
    }

    /** Whether {@code GET /health} is answered with success. */
    boolean isHealthy() throws InterruptedException {
        try {
            return get("/health").statusCode() / 100 == 2;
        } catch (IOException e) {
            return false;
        }
    }

    /** The team's sandboxes by state, page after page of {@code GET /v2/sandboxes}. */
    Map<String, Integer> sandboxesByState() throws IOException, InterruptedException {
        Map<String, Integer> counts = new HashMap<>(Map.of("running", 0, "paused", 0));
        Optional<String> next = Optional.of("");
        while (next.isPresent()) {
            String page =
                    next.get().isEmpty() ? "" : "&nextToken=" + URLEncoder.encode(next.get(), StandardCharsets.UTF_8);
            HttpResponse<String> answer = get("/v2/sandboxes?state=running,paused&limit=100" + page);
            if (answer.statusCode() != 200) {
                throw new IOException("GET /v2/sandboxes answered " + answer.statusCode());
            }
            for (JsonNode sandbox : json.readTree(answer.body())) {
                counts.merge(sandbox.path("state").asString("unknown"), 1, Integer::sum);
            }
            next = answer.headers().firstValue(NEXT_TOKEN).filter(token -> !token.isEmpty());
        }
        return counts;
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    private HttpResponse<String> get(String pathAndQuery) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(api.resolve(pathAndQuery))
                .header("X-API-Key", apiKey)
                .timeout(PATIENCE)
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }
}

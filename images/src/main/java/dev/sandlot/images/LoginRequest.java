package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One request to a service that exchanges long-lived credentials for a login. Nothing of it is ever logged. */
final class LoginRequest {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(30);
    private static final int MAX_ANSWER_BYTES = 1 << 20;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final RegistryAccess access;

    LoginRequest(RegistryAccess access) {
        this.access = access;
    }

    /** An answer: its status, and its body when that is JSON, else nothing. */
    record Answer(int status, JsonNode body) {}

    Answer post(URI uri, Map<String, String> headers, String body) throws IOException, InterruptedException {
        boolean local = access == RegistryAccess.ANY && "http".equals(uri.getScheme());
        if (!"https".equals(uri.getScheme()) && !local) {
            throw new ImageRefusedException("credentials are only sent over HTTPS, and not to " + uri);
        }
        access.check(uri);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(ANSWER_TIMEOUT)
                .POST(HttpRequest.BodyPublishers.ofString(body, StandardCharsets.UTF_8));
        headers.forEach(request::header);
        try (HttpClient http = HttpClient.newBuilder()
                .connectTimeout(CONNECT_TIMEOUT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build()) {
            HttpResponse<InputStream> response = answer(http, request.build(), uri);
            try (InputStream in = response.body()) {
                return new Answer(response.statusCode(), parsed(in.readNBytes(MAX_ANSWER_BYTES)));
            }
        }
    }

    private static HttpResponse<InputStream> answer(HttpClient http, HttpRequest request, URI uri)
            throws IOException, InterruptedException {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new RegistryUnreachableException(uri.getAuthority(), e);
        }
    }

    private static JsonNode parsed(byte[] body) {
        try {
            return JSON.readTree(body);
        } catch (JacksonException e) {
            return JSON.createObjectNode();
        }
    }
}

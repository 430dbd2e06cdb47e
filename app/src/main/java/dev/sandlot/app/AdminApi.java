package dev.sandlot.app;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/** What an operator asks of a running server. A refusal ends the command with the server's own words. */
final class AdminApi implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(70);
    private static final Duration TO_CONNECT = Duration.ofSeconds(5);
    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(TO_CONNECT).build();
    private final URI api;
    private final String token;

    AdminApi(URI api, String token) {
        this.api = api;
        this.token = token;
    }

    /** A path out of literal segments and others, which are escaped. */
    static String path(String... segments) {
        StringBuilder path = new StringBuilder();
        for (String segment : segments) {
            path.append('/')
                    .append(URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20"));
        }
        return path.toString();
    }

    JsonNode get(String path) throws IOException, InterruptedException {
        return call("GET", path, null);
    }

    JsonNode delete(String path) throws IOException, InterruptedException {
        return call("DELETE", path, null);
    }

    /** A call, with a body or without; the answer is a missing node when it is empty. */
    JsonNode call(String method, String path, @Nullable Map<String, ?> body) throws IOException, InterruptedException {
        HttpRequest.BodyPublisher publisher =
                body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body));
        HttpRequest request = HttpRequest.newBuilder(api.resolve(path))
                .header("X-Admin-Token", token)
                .timeout(PATIENCE)
                .method(method, publisher)
                .build();
        HttpResponse<String> answer = send(request);
        JsonNode json = read(answer.body());
        if (answer.statusCode() / 100 != 2) {
            throw refused(answer.statusCode(), json.path("message").asString(method + " " + path + " was refused"));
        }
        return json;
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (ConnectException e) {
            throw new CommandException(ExitCode.NOT_RUNNING, "no server answers at " + api);
        }
    }

    private static JsonNode read(String body) {
        try {
            return body.isEmpty() ? MissingNode.getInstance() : JSON.readTree(body);
        } catch (JacksonException e) {
            return MissingNode.getInstance();
        }
    }

    private static CommandException refused(int status, String message) {
        return new CommandException(
                ExitCode.FAILED,
                status == 401
                        ? "the server takes another operator's token; set ADMIN_TOKEN to the one it was started with"
                        : message + " (" + status + ")");
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}

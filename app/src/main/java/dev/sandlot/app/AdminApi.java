package dev.sandlot.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private static final int LONGEST_REFUSAL = 64 * 1024;
    private static final JsonMapper JSON = new JsonMapper();

    /** By HTTP/1.1: while a body of unknown length is sent this client cannot change to HTTP/2. */
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(TO_CONNECT)
            .build();

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
            path.append('/').append(escaped(segment));
        }
        return path.toString();
    }

    /** A text as a part of a path or query. */
    static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
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
        return answer(request, path);
    }

    /** Writes an answer of any size to a file, which must not be there; one that is cut off is an error. */
    void download(String path, Path file) throws IOException, InterruptedException {
        try (InputStream body = opened(path)) {
            Files.copy(body, file);
        }
    }

    /** Writes an answer of any size to a stream; one that is cut off is an error. */
    void download(String path, OutputStream out) throws IOException, InterruptedException {
        try (InputStream body = opened(path)) {
            body.transferTo(out);
            out.flush();
        }
    }

    private InputStream opened(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(api.resolve(path))
                .header("X-Admin-Token", token)
                .build();
        HttpResponse<InputStream> answer = send(request, HttpResponse.BodyHandlers.ofInputStream());
        if (answer.statusCode() / 100 == 2) {
            return answer.body();
        }
        try (InputStream body = answer.body()) {
            String text = new String(body.readNBytes(LONGEST_REFUSAL), StandardCharsets.UTF_8);
            throw refused(answer.statusCode(), message(read(text), "GET " + path));
        }
    }

    /**
     * Something large that is sent.
     *
     * @param content is read once
     * @param length of it; -1 when nobody knows
     */
    record Upload(InputStream content, long length) {}

    /** Sends something of any size. */
    JsonNode upload(String path, Upload upload, TransferProgress progress) throws IOException, InterruptedException {
        InputStream counted = progress.counting(upload.content(), upload.length());
        HttpRequest.BodyPublisher all = BodyPublishers.ofInputStream(() -> counted);
        HttpRequest request = HttpRequest.newBuilder(api.resolve(path))
                .header("X-Admin-Token", token)
                .header("Content-Type", "application/x-tar")
                .POST(upload.length() > 0 ? BodyPublishers.fromPublisher(all, upload.length()) : all)
                .build();
        return answer(request, path);
    }

    private JsonNode answer(HttpRequest request, String path) throws IOException, InterruptedException {
        HttpResponse<String> answer = send(request, HttpResponse.BodyHandlers.ofString());
        JsonNode json = read(answer.body());
        if (answer.statusCode() / 100 != 2) {
            throw refused(answer.statusCode(), message(json, request.method() + " " + path));
        }
        return json;
    }

    private static String message(JsonNode answer, String request) {
        return answer.path("message").asString(request + " was refused");
    }

    private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
            throws IOException, InterruptedException {
        try {
            return client.send(request, handler);
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

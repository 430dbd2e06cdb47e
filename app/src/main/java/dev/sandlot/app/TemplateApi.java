package dev.sandlot.app;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Templates over the public API, as any client has them (public-api.md 13). For several threads. */
final class TemplateApi implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration UPLOAD_PATIENCE = Duration.ofHours(1);

    private final JsonMapper json = JsonMapper.shared();
    private final HttpClient client = HttpClient.newBuilder()
            .connectTimeout(PATIENCE)
            .version(HttpClient.Version.HTTP_1_1)
            .build();
    private final URI api;
    private final String key;

    TemplateApi(URI api, String key) {
        this.api = api;
        this.key = key;
    }

    /** A refusal of the server. */
    static final class Refusal extends IOException {
        private static final long serialVersionUID = 1L;

        private final int status;

        Refusal(int status, String message) {
            super(message);
            this.status = status;
        }

        int status() {
            return status;
        }
    }

    /** A build that was asked for. */
    record Requested(String templateId, String buildId, List<String> names, List<String> tags) {}

    /** Asks for a build; what the map does not hold is the server's to choose. */
    Requested request(Map<String, Object> body) throws IOException, InterruptedException {
        JsonNode answer = send("POST", "/v3/templates", body);
        return new Requested(
                answer.path("templateID").asString(""),
                answer.path("buildID").asString(""),
                texts(answer.path("names")),
                texts(answer.path("tags")));
    }

    static List<String> texts(JsonNode list) {
        return list.valueStream().map(item -> item.asString("")).toList();
    }

    /** Where files are to be sent, and whether they are there already. */
    record Upload(boolean present, URI url, Map<String, String> headers) {}

    Upload upload(String templateId, String hash) throws IOException, InterruptedException {
        JsonNode answer = send("GET", "/templates/" + segment(templateId) + "/files/" + hash, null);
        Map<String, String> headers = new LinkedHashMap<>();
        answer.path("headers")
                .properties()
                .forEach(entry -> headers.put(entry.getKey(), entry.getValue().asString("")));
        return new Upload(
                answer.path("present").asBoolean(false),
                URI.create(answer.path("url").asString("")),
                headers);
    }

    /** Sends an archive; its length is told beforehand. */
    void send(Upload upload, Path archive) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(upload.url()).timeout(UPLOAD_PATIENCE).PUT(BodyPublishers.ofFile(archive));
        upload.headers().forEach((name, value) -> {
            if (!name.equalsIgnoreCase("Content-Length")) {
                request.header(name, value);
            }
        });
        checked(client.send(request.build(), HttpResponse.BodyHandlers.ofString()));
    }

    void start(Requested build, Map<String, Object> plan) throws IOException, InterruptedException {
        var _ = send("POST", "/v2" + path(build), plan);
    }

    private static String path(Requested build) {
        return "/templates/" + segment(build.templateId()) + "/builds/" + segment(build.buildId());
    }

    /** How far a build is, with its log from an offset on. */
    JsonNode status(Requested build, int offset, String level) throws IOException, InterruptedException {
        return send("GET", path(build) + "/status?logsOffset=" + offset + "&level=" + level, null);
    }

    /** All templates of the team. */
    JsonNode templates() throws IOException, InterruptedException {
        return send("GET", "/templates", null);
    }

    JsonNode template(String templateId) throws IOException, InterruptedException {
        return send("GET", "/templates/" + segment(templateId), null);
    }

    void delete(String template) throws IOException, InterruptedException {
        var _ = send("DELETE", "/templates/" + segment(template), null);
    }

    private static String segment(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private JsonNode send(String method, String path, @Nullable Object body) throws IOException, InterruptedException {
        BodyPublisher content =
                body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(json.writeValueAsBytes(body));
        HttpRequest.Builder request = HttpRequest.newBuilder(address(path))
                .header("X-API-Key", key)
                .header("User-Agent", "sandlot/" + Version.current())
                .timeout(PATIENCE)
                .method(method, content);
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        try {
            String text = checked(client.send(request.build(), HttpResponse.BodyHandlers.ofString()));
            return json.readTree(text.isEmpty() ? "{}" : text);
        } catch (ConnectException e) {
            throw new IOException("no server answers at " + api + "; is `sandlot up` running?", e);
        } catch (JacksonException e) {
            throw new IOException(method + " " + path + " was answered with something that is not JSON", e);
        }
    }

    private URI address(String path) {
        String base = api.toString();
        return URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + path);
    }

    private String checked(HttpResponse<String> answer) throws Refusal {
        if (answer.statusCode() / 100 == 2) {
            return answer.body();
        }
        throw new Refusal(answer.statusCode(), message(answer.body(), answer.statusCode()));
    }

    private String message(String body, int status) {
        try {
            return json.readTree(body).path("message").asString("the server answered " + status);
        } catch (JacksonException e) {
            return "the server answered " + status;
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}

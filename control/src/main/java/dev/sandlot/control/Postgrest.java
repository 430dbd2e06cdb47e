package dev.sandlot.control;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Tables over HTTP as PostgREST has them: filters in the query, rows as JSON, and every change answered with the rows
 * that it touched, which is how the caller sees whether a change that names the old state took effect. Every request
 * is one transaction; there is none over several.
 */
final class Postgrest implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Postgrest.class);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(30);
    private static final int ATTEMPTS = 5;
    private static final int FIRST_PAUSE_MILLIS = 20;
    private static final int PAGE = 500;

    /** Keys of the newer kind stand for themselves; those of the older are tokens that the database reads too. */
    private static final String NEWER_KEY = "sb_";

    private final HttpClient http;
    private final URI base;
    private final String key;

    Postgrest(URI base, String key) {
        this.http = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).build();
        this.base = base.getPath().endsWith("/") ? base : URI.create(base + "/");
        this.key = key;
    }

    /** A table and conditions on its rows, written as in a URL. */
    record Rows(String table, List<String> conditions) {
        Rows {
            conditions = List.copyOf(conditions);
        }

        static Rows of(String table) {
            return new Rows(table, List.of());
        }

        Rows with(String name, String value) {
            List<String> more = new ArrayList<>(conditions);
            more.add(name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8));
            return new Rows(table, more);
        }

        /** Those whose column has that value. */
        Rows where(String column, Object value) {
            return with(column, "eq." + value);
        }

        Rows select(String columns) {
            return with("select", columns);
        }

        Rows last(String column) {
            return with("order", column + ".desc").with("limit", "1");
        }

        String path() {
            return conditions.isEmpty() ? table : table + "?" + String.join("&", conditions);
        }
    }

    /** What happens when a new row meets an old one. */
    enum Meeting {
        /** The server refuses, as {@link Conflict}. */
        REFUSE(""),
        KEEP_OLD(",resolution=ignore-duplicates"),
        MERGE(",resolution=merge-duplicates");

        private final String preference;

        Meeting(String preference) {
            this.preference = preference;
        }
    }

    /** A row that may not be, as another stands in its way. */
    static final class Conflict extends Exception {
        Conflict(PostgrestRefusal refusal) {
            super(refusal);
        }
    }

    List<JsonNode> get(Rows rows) {
        return send("GET", rows.path(), null, "");
    }

    Optional<JsonNode> first(Rows rows) {
        return get(rows).stream().findFirst();
    }

    /** All rows, page by page along a unique column; the server may make pages smaller, not empty. */
    List<JsonNode> all(String table, String unique) {
        List<JsonNode> all = new ArrayList<>();
        Rows ordered = Rows.of(table).with("order", unique + ".asc").with("limit", String.valueOf(PAGE));
        List<JsonNode> page = get(ordered);
        while (!page.isEmpty()) {
            all.addAll(page);
            page = get(ordered.with(unique, "gt." + page.getLast().path(unique).asString()));
        }
        return all;
    }

    /** Adds a row. */
    void insert(String table, Map<String, ? extends @Nullable Object> row) throws Conflict {
        try {
            send("POST", table, row, "return=minimal");
        } catch (PostgrestRefusal e) {
            if (e.isConflict()) {
                throw new Conflict(e);
            }
            throw e;
        }
    }

    /** Adds a row or lets it meet the one with the same value of that column; says whether a row was written. */
    boolean insert(String table, String column, Meeting meeting, Map<String, ? extends @Nullable Object> row) {
        String path = Rows.of(table).with("on_conflict", column).path();
        return !send("POST", path, row, "return=representation" + meeting.preference)
                .isEmpty();
    }

    /** Changes rows and returns them as they are now. */
    List<JsonNode> update(Rows rows, Map<String, ? extends @Nullable Object> values) {
        return send("PATCH", rows.path(), values, "return=representation");
    }

    /** Removes rows and returns them as they were. */
    List<JsonNode> delete(Rows rows) {
        return send("DELETE", rows.path(), null, "return=representation");
    }

    private List<JsonNode> send(
            String method, String path, @Nullable Map<String, ? extends @Nullable Object> body, String preference) {
        boolean changes = !method.equals("GET");
        for (int tried = 1; ; tried++) {
            try {
                return sendOnce(request(method, path, body, preference));
            } catch (PostgrestRefusal e) {
                if (tried == ATTEMPTS || !(e.hadNoEffect() || (!changes && e.isPassing()))) {
                    throw e;
                }
                LOG.debug("asking again", e);
            } catch (IOException e) {
                if (tried == ATTEMPTS || changes) {
                    throw new StoreException("could not " + method + " rows of " + table(path) + " at " + base, e);
                }
                LOG.debug("asking again", e);
            }
            pause(tried);
        }
    }

    private HttpRequest request(
            String method, String path, @Nullable Map<String, ? extends @Nullable Object> body, String preference) {
        BodyPublisher publisher =
                body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(Json.ROWS.writeValueAsBytes(body));
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve("rest/v1/" + path))
                .timeout(ANSWER_TIMEOUT)
                .header("apikey", key)
                .header("Accept", "application/json")
                .method(method, publisher);
        if (!key.startsWith(NEWER_KEY)) {
            request.header("Authorization", "Bearer " + key);
        }
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        if (!preference.isEmpty()) {
            request.header("Prefer", preference);
        }
        return request.build();
    }

    private List<JsonNode> sendOnce(HttpRequest request) throws IOException {
        try {
            HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
            if (response.statusCode() / 100 != 2) {
                throw refusal(request, response);
            }
            return rows(response.body());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while waiting for " + base, e);
        } catch (JacksonException e) {
            throw new StoreException(base + " answered " + request.method() + " with what is not JSON", e);
        }
    }

    private static List<JsonNode> rows(byte[] body) {
        return body.length == 0
                ? List.of()
                : List.copyOf(Json.ROWS.readTree(body).values());
    }

    private static PostgrestRefusal refusal(HttpRequest request, HttpResponse<byte[]> response) {
        String what = request.method() + " " + request.uri().getPath() + " was refused with " + response.statusCode();
        try {
            JsonNode error = Json.ROWS.readTree(response.body());
            String code = error.path("code").asString("");
            String message = what + " " + code + ": " + error.path("message").asString("");
            return new PostgrestRefusal(message, response.statusCode(), code);
        } catch (JacksonException e) {
            return new PostgrestRefusal(what, response.statusCode(), "");
        }
    }

    private static String table(String path) {
        return path.replaceFirst("\\?.*", "");
    }

    private static void pause(int tried) {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong((long) FIRST_PAUSE_MILLIS << tried));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while waiting to ask again", e);
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}

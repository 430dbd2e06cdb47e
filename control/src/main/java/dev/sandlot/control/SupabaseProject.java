package dev.sandlot.control;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A Supabase project as PostgREST shows it: the function {@code sandlot_run} of the printed schema, called by its
 * secret key. A refusal is an {@link SQLException} with PostgreSQL's own code; {@code 08006} when no answer came.
 */
final class SupabaseProject implements AutoCloseable {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(30);
    private static final String NO_ANSWER = "08006";
    private static final String TRY_AGAIN = "40001";
    private static final String NO_FUNCTION = "PGRST202";

    /** A column that is answered twice would hide one of its values. */
    private static final JsonMapper ROWS = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** Keys of the newer kind stand for themselves; those of the older are tokens that the database reads too. */
    private static final String NEWER_KEY = "sb_";

    private final HttpClient http;
    private final StoreLocation.Supabase location;
    private final URI function;
    private final Semaphore free;

    SupabaseProject(StoreLocation.Supabase location) {
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_TIMEOUT)
                .build();
        this.location = location;
        URI base = location.url();
        this.function = (base.getPath().endsWith("/") ? base : URI.create(base + "/"))
                .resolve("rest/v1/rpc/" + PrintedSchema.FUNCTION);
        this.free = new Semaphore(location.connections());
    }

    /**
     * Runs statements one after another, in one transaction.
     *
     * @param expected the digests of outcomes, from the first statement on, that must be the same again
     * @param keep whether the changes stay; they are undone otherwise
     * @return what became of each
     */
    List<RestOutcome> run(List<RestStatement> statements, List<String> expected, boolean keep) throws SQLException {
        Map<String, Object> arguments = Map.of(
                "statements",
                statements.stream().map(RestStatement::asMap).toList(),
                "expected",
                expected,
                "keep",
                keep);
        JsonNode answer = call(Json.MAPPER.writeValueAsBytes(arguments));
        if (answer.path("changed").asBoolean(false)) {
            throw new SQLException("other work came between; nothing was done", TRY_AGAIN);
        }
        List<RestOutcome> outcomes = new ArrayList<>();
        for (int i = 0; i < statements.size(); i++) {
            outcomes.add(outcome(statements.get(i), answer.path("outcomes").path(i)));
        }
        return outcomes;
    }

    private RestOutcome outcome(RestStatement statement, JsonNode answer) throws SQLException {
        String digest = answer.path("digest").asString("");
        if (digest.isEmpty()) {
            throw new SQLException(location + " gave an answer that is not of sandlot_run");
        }
        return new RestOutcome(
                statement.hasRows(),
                List.copyOf(answer.path("rows").values()),
                answer.path("touched").asInt(0),
                digest);
    }

    private JsonNode call(byte[] arguments) throws SQLException {
        free.acquireUninterruptibly();
        try {
            HttpResponse<byte[]> response = http.send(request(arguments), BodyHandlers.ofByteArray());
            JsonNode body = ROWS.readTree(response.body());
            if (response.statusCode() != 200) {
                throw refusal(response.statusCode(), body);
            }
            return body;
        } catch (IOException e) {
            throw new SQLException("could not reach " + location + ": " + reason(e), NO_ANSWER, e);
        } catch (JacksonException e) {
            throw new SQLException(location + " answered with what is not JSON", NO_ANSWER, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while waiting for " + location, e);
        } finally {
            free.release();
        }
    }

    /** The client says of a refused connection no more than its name. */
    private static String reason(IOException failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    private HttpRequest request(byte[] arguments) {
        HttpRequest.Builder request = HttpRequest.newBuilder(function)
                .timeout(ANSWER_TIMEOUT)
                .header("apikey", location.key())
                .header("Accept", "application/json")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofByteArray(arguments));
        if (!location.key().startsWith(NEWER_KEY)) {
            request.header("Authorization", "Bearer " + location.key());
        }
        return request.build();
    }

    private SQLException refusal(int status, JsonNode error) {
        String code = error.path("code").asString("");
        String message = location + " refused with " + status + " " + code + ": "
                + error.path("message").asString("");
        if (code.equals(NO_FUNCTION)) {
            return new SQLException(message + "; " + PrintedSchema.ADVICE, NO_FUNCTION);
        }
        boolean isPassing = code.length() != 5 && status >= 502 && status <= 504;
        return new SQLException(message, isPassing ? NO_ANSWER : code);
    }

    @Override
    public String toString() {
        return location.toString();
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}

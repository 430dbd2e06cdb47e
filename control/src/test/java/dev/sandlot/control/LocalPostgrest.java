package dev.sandlot.control;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The one thing the store needs of PostgREST, as its manual describes it, over a real PostgreSQL: {@code POST
 * /rpc/FUNCTION} with an object of arguments by name, run as the role of the key, in one read-committed transaction
 * that an error undoes, with PostgreSQL's error as JSON under PostgREST's status. Only functions of the schema {@code
 * public} are there. Anything else is refused.
 */
final class LocalPostgrest implements AutoCloseable {
    static final String KEY = "eyJ.service.key";
    static final String ANON_KEY = "eyJ.anon.key";
    private static final Map<String, String> ROLES = Map.of(KEY, "service_role", ANON_KEY, "anon");
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Pattern FUNCTION = Pattern.compile("/rest/v1/rpc/(\\w+)");

    private final HikariDataSource database;
    private final HttpServer http;
    private final Queue<Integer> failures = new ConcurrentLinkedQueue<>();

    LocalPostgrest(String address) throws IOException {
        HikariConfig pool = new HikariConfig();
        pool.setDataSource(PostgresAddress.parse(address).dataSource());
        pool.setMaximumPoolSize(8);
        this.database = new HikariDataSource(pool);
        this.http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/", this::handle);
        http.start();
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + http.getAddress().getPort());
    }

    /** Answers the next request with that status and does nothing. */
    void failNext(int status) {
        failures.add(status);
    }

    @Override
    public void close() {
        http.stop(0);
        database.close();
    }

    /** A refusal as PostgREST words it. */
    private static final class Refusal extends Exception {
        private final int status;
        private final String code;

        Refusal(int status, String code, String message) {
            super(message);
            this.status = status;
            this.code = code;
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            try {
                answer(exchange, 200, respond(exchange, body));
            } catch (Refusal e) {
                answer(exchange, e.status, JSON.writeValueAsString(Map.of("code", e.code, "message", e.getMessage())));
            }
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private String respond(HttpExchange exchange, byte[] body) throws Refusal {
        Integer failure = failures.poll();
        if (failure != null) {
            throw new Refusal(failure, "", "it was told to fail");
        }
        String key = String.valueOf(exchange.getRequestHeaders().getFirst("apikey"));
        String role = ROLES.get(key);
        if (role == null
                || !("Bearer " + key).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            throw new Refusal(401, "PGRST301", "no valid key");
        }
        Matcher path = FUNCTION.matcher(exchange.getRequestURI().getPath());
        if (!path.matches() || !exchange.getRequestMethod().equals("POST")) {
            throw new Refusal(404, "PGRST125", "only functions are served here");
        }
        try (Connection connection = database.getConnection()) {
            return call(connection, role, path.group(1), JSON.readTree(body));
        } catch (SQLException e) {
            throw new Refusal(status(String.valueOf(e.getSQLState())), String.valueOf(e.getSQLState()), e.getMessage());
        }
    }

    /** The table of PostgREST's manual, as far as it can come up here. */
    private static int status(String code) {
        return switch (code) {
            case "23503", "23505" -> 409;
            case "25006" -> 405;
            case "42883", "42P01" -> 404;
            case "42501" -> 403;
            default -> code.startsWith("08") ? 503 : code.matches("(25|40|54|55|57|58|XX).*") ? 500 : 400;
        };
    }

    private static String call(Connection connection, String role, String name, JsonNode arguments)
            throws SQLException, Refusal {
        Map<String, String> types = parameters(connection, name);
        if (!types.keySet().equals(new TreeSet<>(arguments.propertyNames()))) {
            throw new Refusal(404, "PGRST202", "Could not find the function public." + name + " in the schema cache");
        }
        connection.setAutoCommit(false);
        try (Statement settings = connection.createStatement()) {
            settings.execute("SET LOCAL ROLE " + role);
            String answer = answer(connection, name, types, arguments);
            connection.commit();
            return answer;
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /** The names and types of the parameters of a function in the exposed schema. */
    private static Map<String, String> parameters(Connection connection, String name) throws SQLException {
        String query = """
                SELECT p.name, pg_catalog.format_type(t.type, NULL) AS type FROM pg_catalog.pg_proc f,
                    unnest(f.proargnames) WITH ORDINALITY AS p (name, at),
                    unnest(f.proargtypes::oid[]) WITH ORDINALITY AS t (type, at)
                WHERE f.pronamespace = 'public'::regnamespace AND f.proname = ? AND p.at = t.at
                """;
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, name);
            Map<String, String> types = new LinkedHashMap<>();
            ResultSet rows = statement.executeQuery();
            while (rows.next()) {
                types.put(rows.getString("name"), rows.getString("type"));
            }
            return types;
        }
    }

    /** The arguments reach the function by way of the database's own reading of the JSON, and its result back. */
    private static String answer(Connection connection, String name, Map<String, String> types, JsonNode arguments)
            throws SQLException {
        String columns = types.entrySet().stream()
                .map(parameter -> '"' + parameter.getKey() + "\" " + parameter.getValue())
                .collect(Collectors.joining(", "));
        String call = types.keySet().stream()
                .map(parameter -> '"' + parameter + "\" := body.\"" + parameter + '"')
                .collect(Collectors.joining(", "));
        String query = """
                WITH source AS (
                    SELECT call.result FROM (SELECT * FROM json_to_record(?::json) AS _ (%s)) body,
                    LATERAL (SELECT "public"."%s"(%s) AS result) call
                ) SELECT coalesce(json_agg(source.result) -> 0, 'null')::text FROM source
                """.formatted(columns, name, call);
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, JSON.writeValueAsString(arguments));
            ResultSet row = statement.executeQuery();
            row.next();
            return row.getString(1);
        }
    }
}

package dev.sandlot.control;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the store needs of PostgREST, as its manual describes it, over a real PostgreSQL: the database itself reads and
 * writes the JSON, checks the types and refuses; here the URL becomes SQL. Known are the filters {@code eq}, {@code
 * gt}, {@code lt}, {@code is}, {@code order}, {@code limit}, {@code select} with embedded tables of a foreign key, {@code
 * on_conflict} and {@code Prefer}. Anything else is refused, so that a request that PostgREST would read otherwise
 * cannot pass by chance.
 */
final class LocalPostgrest implements AutoCloseable {
    static final String KEY = "eyJ.service.key";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final HikariDataSource database;
    private final HttpServer http;
    private final int maxRows;
    private final Queue<Integer> failures = new ConcurrentLinkedQueue<>();

    LocalPostgrest(String address, int maxRows) throws IOException {
        HikariConfig pool = new HikariConfig();
        pool.setDataSource(PostgresAddress.parse(address).dataSource());
        pool.setMaximumPoolSize(4);
        this.database = new HikariDataSource(pool);
        this.maxRows = maxRows;
        this.http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/rest/v1/", this::handle);
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
            answerOrRefuse(exchange);
        }
    }

    private void answerOrRefuse(HttpExchange exchange) throws IOException {
        try {
            answer(exchange, 200, respond(exchange));
        } catch (Refusal e) {
            answer(exchange, e.status, JSON.writeValueAsString(Map.of("code", e.code, "message", e.getMessage())));
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private String respond(HttpExchange exchange) throws IOException, Refusal {
        Integer failure = failures.poll();
        if (failure != null) {
            throw new Refusal(failure, "", "it was told to fail");
        }
        if (!KEY.equals(exchange.getRequestHeaders().getFirst("apikey"))
                || !("Bearer " + KEY).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            throw new Refusal(401, "PGRST301", "no valid key");
        }
        JsonNode body = JSON.readTree(exchange.getRequestBody());
        try (Connection connection = database.getConnection()) {
            return new Request(connection, exchange, body).run();
        } catch (SQLException e) {
            throw refusal(e);
        }
    }

    private static Refusal refusal(SQLException e) {
        String code = String.valueOf(e.getSQLState());
        int status = switch (code) {
            case "23503", "23505" -> 409;
            case "42P01" -> 404;
            default -> code.startsWith("08") || code.startsWith("53") ? 503 : code.startsWith("40") ? 500 : 400;
        };
        return new Refusal(status, code.equals("42P01") ? "PGRST205" : code, e.getMessage());
    }

    /** One request on its way to SQL. */
    private final class Request {
        private final Connection connection;
        private final String method;
        private final String table;
        private final String preference;
        private final JsonNode body;
        private final List<String[]> parameters = new ArrayList<>();

        Request(Connection connection, HttpExchange exchange, JsonNode body) {
            this.connection = connection;
            this.method = exchange.getRequestMethod();
            this.table = name(exchange.getRequestURI().getPath().substring("/rest/v1/".length()));
            this.preference = String.valueOf(exchange.getRequestHeaders().getFirst("Prefer"));
            this.body = body;
            String query = exchange.getRequestURI().getRawQuery();
            for (String pair : query == null ? new String[0] : query.split("&")) {
                String[] parts = pair.split("=", 2);
                parameters.add(new String[] {parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8)});
            }
        }

        String run() throws SQLException, Refusal {
            return switch (method) {
                case "GET" -> rows(selection());
                case "POST" -> changed(insertion());
                case "PATCH" -> changed(change());
                case "DELETE" -> changed("DELETE FROM " + table + where() + " RETURNING " + table + ".*");
                default -> throw new Refusal(405, "PGRST117", "unsupported method " + method);
            };
        }

        private String one(String parameter, String otherwise) {
            return parameters.stream()
                    .filter(each -> each[0].equals(parameter))
                    .map(each -> each[1])
                    .findFirst()
                    .orElse(otherwise);
        }

        private String selection() throws SQLException, Refusal {
            Embedding selected = embedding(table, one("select", "*"), "");
            int limit = Math.min(maxRows, Integer.parseInt(one("limit", String.valueOf(maxRows))));
            return "SELECT " + selected.columns + " FROM " + table + selected.joins + where() + order() + " LIMIT "
                    + limit;
        }

        private String order() {
            String order = one("order", "");
            return order.isEmpty()
                    ? ""
                    : " ORDER BY "
                            + List.of(order.split(",")).stream()
                                    .map(each -> each.split("\\."))
                                    .map(each ->
                                            table + "." + name(each[0]) + (each.length > 1 ? " " + name(each[1]) : ""))
                                    .collect(Collectors.joining(", "));
        }

        private record Embedding(String columns, String joins) {}

        private Embedding embedding(String from, String select, String path) throws SQLException, Refusal {
            List<String> columns = new ArrayList<>();
            StringBuilder joins = new StringBuilder();
            for (String item : items(select)) {
                if (!item.endsWith(")")) {
                    columns.add(from + "." + (item.equals("*") ? "*" : name(item)));
                    continue;
                }
                String head = item.substring(0, item.indexOf('('));
                String other = name(head.replace("!inner", ""));
                String inside = item.substring(item.indexOf('(') + 1, item.length() - 1);
                Embedding embedded = embedding(other, inside, path + other + ".");
                String kind = head.endsWith("!inner") ? " JOIN" : " LEFT JOIN";
                joins.append(
                        kind + " LATERAL (SELECT " + embedded.columns + " FROM " + other + embedded.joins + " WHERE "
                                + foreignKey(from, other) + conditions(path + other + ".", " AND ") + ") AS e_" + other
                                + " ON TRUE");
                columns.add("row_to_json(e_" + other + ".*) AS " + other);
            }
            return new Embedding(String.join(", ", columns), joins.toString());
        }

        private String foreignKey(String from, String to) throws SQLException, Refusal {
            try (ResultSet keys = connection.getMetaData().getCrossReference(null, null, to, null, null, from)) {
                if (!keys.next()) {
                    throw new Refusal(400, "PGRST200", "no relationship between " + from + " and " + to);
                }
                return to + "." + keys.getString("PKCOLUMN_NAME") + " = " + from + "."
                        + keys.getString("FKCOLUMN_NAME");
            }
        }

        private String where() throws Refusal {
            String conditions = conditions("", "");
            return conditions.isEmpty() ? "" : " WHERE " + conditions;
        }

        private String conditions(String path, String before) throws Refusal {
            List<String> conditions = new ArrayList<>();
            for (String[] each : parameters) {
                boolean mine = each[0].startsWith(path) && each[0].indexOf('.', path.length()) < 0;
                if (mine && !List.of("select", "order", "limit", "on_conflict").contains(each[0])) {
                    String owner = path.isEmpty()
                            ? table
                            : path.substring(path.lastIndexOf('.', path.length() - 2) + 1, path.length() - 1);
                    conditions.add(condition(owner + "." + name(each[0].substring(path.length())), each[1]));
                }
            }
            return conditions.isEmpty() ? "" : before + String.join(" AND ", conditions);
        }

        private String condition(String column, String filter) throws Refusal {
            String operator = filter.substring(0, filter.indexOf('.') + 1);
            String value = filter.substring(operator.length());
            return switch (operator) {
                case "eq." -> column + " = " + quoted(value);
                case "gt." -> column + " > " + quoted(value);
                case "lt." -> column + " < " + quoted(value);
                case "is." -> column + " IS " + name(value);
                default -> throw new Refusal(400, "PGRST100", "failed to parse filter (" + filter + ")");
            };
        }

        private String insertion() throws Refusal {
            String columns = String.join(", ", columns());
            String conflict = one("on_conflict", "");
            String resolution = "";
            if (preference.contains("resolution=ignore-duplicates")) {
                resolution = " ON CONFLICT (" + names(conflict) + ") DO NOTHING";
            } else if (preference.contains("resolution=merge-duplicates")) {
                resolution = " ON CONFLICT (" + names(conflict) + ") DO UPDATE SET "
                        + columns().stream()
                                .map(column -> column + " = EXCLUDED." + column)
                                .collect(Collectors.joining(", "));
            }
            return "INSERT INTO " + table + " (" + columns + ") SELECT " + columns + populated() + resolution
                    + " RETURNING *";
        }

        private String change() throws Refusal {
            String columns = String.join(", ", columns());
            return "UPDATE " + table + " SET (" + columns + ") = (SELECT " + columns + populated() + ")" + where()
                    + " RETURNING " + table + ".*";
        }

        private String populated() {
            return " FROM json_populate_record(NULL::" + table + ", " + quoted(body.toString()) + "::json)";
        }

        private List<String> columns() throws Refusal {
            if (!body.isObject()) {
                throw new Refusal(400, "PGRST102", "empty or invalid json");
            }
            return body.propertyNames().stream()
                    .map(LocalPostgrest::name)
                    .sorted()
                    .toList();
        }

        private String changed(String statement) throws SQLException {
            boolean shows = preference.contains("return=representation");
            String rows = rows("WITH changed AS (" + statement + ") SELECT * FROM changed");
            return shows ? rows : "";
        }

        private String rows(String query) throws SQLException {
            String json = query.startsWith("WITH")
                    ? query.replace("SELECT * FROM changed", "SELECT COALESCE(json_agg(changed), '[]') FROM changed")
                    : "SELECT COALESCE(json_agg(found), '[]') FROM (" + query + ") found";
            try (Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery(json)) {
                result.next();
                return result.getString(1);
            }
        }
    }

    private static String names(String list) {
        return List.of(list.split(",")).stream().map(LocalPostgrest::name).collect(Collectors.joining(", "));
    }

    private static String name(String text) {
        if (!text.matches("[a-z_]+")) {
            throw new UncheckedIOException(new IOException("not a name: " + text));
        }
        return text;
    }

    private static String quoted(String value) {
        return "'" + value.replace("'", "''") + "'";
    }

    /** The parts between commas that are in no parentheses. */
    private static List<String> items(String select) {
        List<String> items = new ArrayList<>();
        int depth = 0;
        int start = 0;
        for (int i = 0; i < select.length(); i++) {
            char each = select.charAt(i);
            depth += each == '(' ? 1 : each == ')' ? -1 : 0;
            if (each == ',' && depth == 0) {
                items.add(select.substring(start, i));
                start = i + 1;
            }
        }
        items.add(select.substring(start));
        return items;
    }
}

package dev.sandlot.control;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A statement over REST: takes its values, runs, and holds its outcome. */
final class RestPrepared implements InvocationHandler {
    private final RestConnection connection;
    private final String sql;
    private final TreeMap<Integer, @Nullable Object> values = new TreeMap<>();
    private @Nullable RestOutcome outcome;

    private RestPrepared(RestConnection connection, String sql) {
        this.connection = connection;
        this.sql = sql;
    }

    static PreparedStatement open(RestConnection connection, String sql) {
        return RestConnection.proxy(PreparedStatement.class, new RestPrepared(connection, sql));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws SQLException {
        return switch (method.getName()) {
            case "setString", "setLong", "setInt", "setBoolean", "setObject" ->
                take(Objects.requireNonNull(arguments)[0], arguments[1]);
            case "setNull" -> take(Objects.requireNonNull(arguments)[0], null);
            case "execute" -> execute();
            case "getResultSet" -> rows();
            case "getUpdateCount" -> outcome == null || outcome.hasRows() ? -1 : outcome.touched();
            case "getMoreResults" -> false;
            case "close" -> null;
            case "toString" -> sql;
            default -> throw RestConnection.unsupported(method);
        };
    }

    private @Nullable Object take(@Nullable Object position, @Nullable Object value) {
        values.put((Integer) Objects.requireNonNull(position), value);
        return null;
    }

    private boolean execute() throws SQLException {
        List<@Nullable Object> inOrder = new ArrayList<>(values.values());
        RestOutcome result = connection.run(new RestStatement(sql, inOrder));
        outcome = result;
        return result.hasRows();
    }

    private @Nullable ResultSet rows() {
        return outcome == null || !outcome.hasRows() ? null : RestRows.open(outcome);
    }
}

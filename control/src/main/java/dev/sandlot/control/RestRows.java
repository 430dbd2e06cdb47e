package dev.sandlot.control;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Rows that came back over REST, read one after another, by the names or the numbers of their columns. */
final class RestRows implements InvocationHandler {
    private final List<JsonNode> rows;
    private int current = -1;
    private boolean wasNull;
    private boolean closed;

    private RestRows(List<JsonNode> rows) {
        this.rows = rows;
    }

    static ResultSet open(RestOutcome outcome) {
        return RestConnection.proxy(ResultSet.class, new RestRows(outcome.rows()));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws SQLException {
        Object first = arguments == null || arguments.length == 0 ? null : arguments[0];
        return switch (method.getName()) {
            case "next" -> ++current < rows.size();
            case "wasNull" -> wasNull;
            case "getString" -> text(value(first));
            case "getLong" -> value(first).asLong(0);
            case "getInt" -> value(first).asInt(0);
            case "getBoolean" -> value(first).asBoolean(false);
            case "isClosed" -> closed;
            case "close" -> close();
            case "toString" -> rows.size() + " rows";
            default -> throw RestConnection.unsupported(method);
        };
    }

    private JsonNode value(@Nullable Object column) throws SQLException {
        JsonNode row = rows.get(current);
        JsonNode value = column instanceof Integer number
                ? row.valueStream().skip(number - 1L).findFirst().orElse(null)
                : row.get(String.valueOf(column).toLowerCase(Locale.ROOT));
        if (value == null) {
            throw new SQLException("the answer has no column " + column);
        }
        wasNull = value.isNull();
        return value;
    }

    private static @Nullable String text(JsonNode value) {
        return value.isNull() ? null : value.asString();
    }

    private @Nullable Object close() {
        closed = true;
        return null;
    }
}

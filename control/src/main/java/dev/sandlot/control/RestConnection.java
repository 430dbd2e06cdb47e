package dev.sandlot.control;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A database connection over a project's REST interface, so that the stores in SQL work there too. Of JDBC it has
 * what Jdbi uses; the rest is refused.
 *
 * <p>A request is a transaction, and there is none over several. A transaction of several statements is therefore
 * played: each statement is run after those before it, and all of it undone. The commit runs them once more, alone
 * among the writers, and keeps them only when each has the same outcome as when it was played; else nothing is kept,
 * and the failure says, as PostgreSQL does of a serializable transaction, that it may be tried again.
 *
 * <p>Not for several threads at once, as connections are not.
 */
final class RestConnection implements InvocationHandler {
    private final SupabaseProject project;
    private final List<RestStatement> played = new ArrayList<>();
    private final List<String> outcomes = new ArrayList<>();
    private boolean autoCommit = true;
    private boolean closed;

    private RestConnection(SupabaseProject project) {
        this.project = project;
    }

    static Connection open(SupabaseProject project) {
        return proxy(Connection.class, new RestConnection(project));
    }

    static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(RestConnection.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    static SQLException unsupported(Method method) {
        return new SQLFeatureNotSupportedException(
                method.getDeclaringClass().getSimpleName() + "." + method.getName() + " has no form over REST");
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws SQLException {
        Object first = arguments == null || arguments.length == 0 ? null : arguments[0];
        return switch (method.getName()) {
            case "prepareStatement" -> RestPrepared.open(this, String.valueOf(first));
            case "getAutoCommit" -> autoCommit;
            case "setAutoCommit" -> setAutoCommit(Boolean.TRUE.equals(first));
            case "commit" -> commit();
            case "rollback" -> forget();
            case "close" -> close();
            case "isClosed" -> closed;
            case "isReadOnly" -> false;
            case "toString" -> "connection to " + project;
            default -> throw unsupported(method);
        };
    }

    RestOutcome run(RestStatement statement) throws SQLException {
        if (autoCommit) {
            return project.run(List.of(statement), List.of(), !statement.onlyReads())
                    .getLast();
        }
        List<RestStatement> all = new ArrayList<>(played);
        all.add(statement);
        RestOutcome outcome = project.run(all, outcomes, false).getLast();
        played.add(statement);
        outcomes.add(outcome.digest());
        return outcome;
    }

    private @Nullable Object setAutoCommit(boolean wanted) throws SQLException {
        if (wanted) {
            commit();
        }
        autoCommit = wanted;
        return null;
    }

    private @Nullable Object commit() throws SQLException {
        try {
            if (!played.isEmpty()) {
                project.run(played, outcomes, true);
            }
        } finally {
            forget();
        }
        return null;
    }

    private @Nullable Object forget() {
        played.clear();
        outcomes.clear();
        return null;
    }

    private @Nullable Object close() {
        forget();
        closed = true;
        return null;
    }
}

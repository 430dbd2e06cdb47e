package dev.sandlot.control;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What stores say when a row would refer to one that is gone, or one goes that others refer to. */
final class BrokenReference {
    private static final String FOREIGN_KEY_VIOLATION = "23503";

    private BrokenReference() {}

    static boolean isIn(Throwable failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException e && isOne(e)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOne(SQLException failure) {
        return failure instanceof SQLiteException e
                ? e.getResultCode() == SQLiteErrorCode.SQLITE_CONSTRAINT_FOREIGNKEY
                : FOREIGN_KEY_VIOLATION.equals(failure.getSQLState());
    }
}

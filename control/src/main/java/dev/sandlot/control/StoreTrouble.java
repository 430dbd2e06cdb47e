package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What the failure of a database says about the disk it is on. */
final class StoreTrouble {
    private static final int PRIMARY_CODE = 0xff;
    private static final String POSTGRES_DISK_FULL = "53100";

    private StoreTrouble() {}

    /** What to answer when the store failed for want of room, or could not use its files; empty for anything else. */
    static Optional<ApiException> answer(RuntimeException failure) {
        if (isFull(failure)) {
            return Optional.of(new ApiException(
                    ErrorKind.UNAVAILABLE,
                    "The store of the server has no room left on its disk; nothing was changed",
                    failure));
        }
        return isOfFiles(failure)
                ? Optional.of(new ApiException(
                        ErrorKind.INTERNAL,
                        "The store of the server cannot read or write its files",
                        "internal_server_error",
                        failure))
                : Optional.empty();
    }

    /** Whether it had no room left. */
    static boolean isFull(Throwable failure) {
        return sqlite(failure) == SQLiteErrorCode.SQLITE_FULL.code || POSTGRES_DISK_FULL.equals(state(failure));
    }

    /** Whether SQLite could not use its files, which is what it also says when it has no room beside its log. */
    static boolean isOfFiles(Throwable failure) {
        int code = sqlite(failure);
        return code == SQLiteErrorCode.SQLITE_FULL.code
                || code == SQLiteErrorCode.SQLITE_IOERR.code
                || code == SQLiteErrorCode.SQLITE_CANTOPEN.code;
    }

    private static int sqlite(Throwable failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLiteException e) {
                return e.getResultCode().code & PRIMARY_CODE;
            }
        }
        return SQLiteErrorCode.SQLITE_OK.code;
    }

    private static String state(Throwable failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException e && e.getSQLState() != null) {
                return e.getSQLState();
            }
        }
        return "";
    }
}

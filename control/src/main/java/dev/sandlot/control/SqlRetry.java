package dev.sandlot.control;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tries work on a database again when it is certain that nothing of it was done: it was undone for the sake of other
 * work, or the connection was lost before the commit was sent. Once that was sent, a lost connection is the caller's
 * to know, for nobody can tell whether it was done.
 */
final class SqlRetry {
    private static final Logger LOG = LoggerFactory.getLogger(SqlRetry.class);
    private static final int ATTEMPTS = 8;
    private static final int FIRST_PAUSE_MILLIS = 10;
    private static final String SERIALIZATION_FAILURE = "40001";
    private static final String DEADLOCK = "40P01";

    /** One try. */
    static final class Attempt {
        private boolean finished;

        /** Marks that only the commit is left, and passes the result on. */
        <T> T finish(T result) {
            finished = true;
            return result;
        }
    }

    /** Work that may be done again. */
    @FunctionalInterface
    interface Work<T> {
        T run(Attempt attempt);
    }

    private SqlRetry() {}

    static <T> T run(Work<T> work) {
        for (int tried = 1; ; tried++) {
            Attempt attempt = new Attempt();
            try {
                return work.run(attempt);
            } catch (RuntimeException e) {
                if (tried == ATTEMPTS || !wasUndone(state(e), attempt.finished)) {
                    throw e;
                }
                LOG.debug("trying again what the database undid", e);
                pause(tried, e);
            }
        }
    }

    private static boolean wasUndone(String state, boolean finished) {
        return state.equals(SERIALIZATION_FAILURE)
                || state.equals(DEADLOCK)
                || (!finished && (state.startsWith("08") || state.startsWith("57P")));
    }

    /** The code of the failure; none when the pool has waited for a connection long enough already. */
    private static String state(Throwable failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLTransientConnectionException) {
                return "";
            }
            if (cause instanceof SQLException e && e.getSQLState() != null) {
                return e.getSQLState();
            }
        }
        return "";
    }

    /** Longer each time, and by chance, so that those who met do not meet again. */
    private static void pause(int tried, RuntimeException failure) {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong((long) FIRST_PAUSE_MILLIS << tried));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure;
        }
    }
}

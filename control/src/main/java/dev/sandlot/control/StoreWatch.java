package dev.sandlot.control;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether a store answers. Its outages are told to the log, once when one begins and once when it is over, and
 * what needs the store meanwhile waits until the outage is some seconds old; from then on it fails at once. Whether
 * the store answers again is looked at from a thread of this class, by its pulse.
 *
 * <p>Safe for many threads.
 */
final class StoreWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoreWatch.class);
    private static final long PERIOD_MILLIS = 1000;

    /** How long an outage is waited out: a restart of the database takes less. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Asks a store whether it is there for this server. */
    @FunctionalInterface
    interface Pulse {
        /**
         * Returns when it is.
         *
         * @throws SQLException when it does not answer
         * @throws StoreException when another server has it, with whether that is for good
         */
        void beat() throws SQLException, TakenException;
    }

    /** Another server has the store. */
    static final class TakenException extends Exception {
        private static final long serialVersionUID = 1L;
        private final boolean forGood;

        TakenException(String message, boolean forGood) {
            super(message);
            this.forGood = forGood;
        }
    }

    private record Outage(long began, String why, boolean forGood) {}

    private final String store;
    private final Pulse pulse;
    private final boolean always;
    private final ScheduledExecutorService beats;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();

    /** Written under the lock; null while the store answers. */
    private volatile @Nullable Outage outage;

    /**
     * @param store its name
     * @param always whether it is asked all the time, or only in an outage
     */
    StoreWatch(String store, Pulse pulse, boolean always) {
        this.store = store;
        this.pulse = pulse;
        this.always = always;
        this.beats = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("store-watch").daemon().factory());
        var _ = beats.scheduleWithFixedDelay(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Why the store cannot be used now; null when it can. */
    @Nullable String trouble() {
        Outage now = outage;
        return now == null ? null : now.why();
    }

    /**
     * Does work in the store.
     *
     * @throws StoreAwayException when the store does not answer
     */
    <T> T run(Supplier<T> work) {
        long began = System.nanoTime();
        try {
            return work.get();
        } catch (StoreAwayException e) {
            throw e;
        } catch (RuntimeException e) {
            if (!isSilence(e)) {
                throw e;
            }
            begin(new Outage(began, reason(e), false));
            lookNow();
            throw new StoreAwayException("The store of the server does not answer", e);
        }
    }

    /** Waits until the store answers, or until the outage is too old for that. */
    void require() {
        if (outage == null) {
            return;
        }
        lock.lock();
        try {
            for (Outage now = outage; now != null; now = outage) {
                long left = now.began() + PATIENCE.toNanos() - System.nanoTime();
                if (now.forGood() || left <= 0) {
                    throw new StoreAwayException(
                            now.forGood()
                                    ? "Another server has the store of this one"
                                    : "The store of the server does not answer",
                            null);
                }
                long _ = ended.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreAwayException("interrupted while the store does not answer", e);
        } finally {
            lock.unlock();
        }
    }

    private void lookNow() {
        try {
            beats.execute(this::look);
        } catch (RejectedExecutionException e) {
            LOG.debug("{} is not looked at while closing", store, e);
        }
    }

    private void look() {
        Outage now = outage;
        if (now == null ? !always : now.forGood()) {
            return;
        }
        long began = System.nanoTime();
        try {
            pulse.beat();
            end();
        } catch (TakenException e) {
            begin(new Outage(began, String.valueOf(e.getMessage()), e.forGood));
        } catch (SQLException | RuntimeException e) {
            begin(new Outage(began, reason(e), false));
        }
    }

    private void begin(Outage next) {
        lock.lock();
        try {
            Outage now = outage;
            if (now == null) {
                LOG.warn("{} cannot be used; what needs it gets 503 until it can: {}", store, next.why());
                outage = next;
            } else if (next.forGood() && !now.forGood()) {
                LOG.error("{} is lost to this server, which writes nothing there any more: {}", store, next.why());
                outage = next;
                ended.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            Outage now = outage;
            if (now != null) {
                LOG.info(
                        "{} answers again, after {} s",
                        store,
                        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - now.began()));
                outage = null;
                ended.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private static String reason(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }

    /** Whether a failure says that the database is not there, or has no connection to give. */
    static boolean isSilence(Throwable failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLTransientConnectionException) {
                return true;
            }
            if (cause instanceof SQLException e && e.getSQLState() != null) {
                String state = e.getSQLState();
                return state.startsWith("08") || state.startsWith("57P") || state.equals("53300");
            }
        }
        return false;
    }

    @Override
    public void close() {
        beats.shutdownNow();
    }
}

package dev.sandlot.control;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import javax.sql.DataSource;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right of one server to a PostgreSQL store: an advisory lock in a transaction that stays open on a connection of
 * its own, so that it goes with the process and holds behind a pooler too, and a row that says who has it. A broken
 * connection is replaced; when another server had the store meanwhile, this one has lost it for good, since the other
 * took this one's sandboxes for dead.
 *
 * <p>{@link #beat} is called by one thread at a time.
 */
final class PostgresLock implements StoreWatch.Pulse {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresLock.class);
    private static final int LOCK = 1_935_764_588;
    private static final int SILENCE_SECONDS = 4;
    private static final Duration WAIT_FOR_END = Duration.ofSeconds(3);

    /** Until then a server that lives has taken the lock again, or seen that it cannot. */
    private static final Duration OTHER_NOTICES = Duration.ofSeconds(6);

    private static final long POLL_MILLIS = 100;

    private final StoreLocation.Postgres location;
    private final DataSource source;
    private final StoreIdentity identity;
    private final StoreHolder self;
    private @Nullable Connection held;

    /** Whether nobody else had the store since this server took it first. */
    private boolean unbroken = true;

    private PostgresLock(StoreLocation.Postgres location, StoreHolder self) {
        this.location = location;
        this.source = location.address().dataSource(SILENCE_SECONDS);
        this.identity = new StoreIdentity(Jdbi.create(source));
        this.self = self;
    }

    /**
     * Takes the store.
     *
     * @throws StoreException when another server has it, with which
     */
    static PostgresLock take(StoreLocation.Postgres location, StoreHolder self) {
        PostgresLock lock = new PostgresLock(location, self);
        try {
            lock.await(WAIT_FOR_END);
            Optional<StoreHolder> last = lock.identity.read().map(StoreIdentity.Found::holder);
            if (last.isPresent() && !last.get().isAtSamePlace(self)) {
                LOG.warn(
                        "{} was not released by its last server, {}",
                        location,
                        last.get().text());
                lock.drop();
                Thread.sleep(OTHER_NOTICES);
                lock.await(Duration.ZERO);
            }
            lock.unbroken = true;
            return lock;
        } catch (SQLException | JdbiException e) {
            lock.drop();
            throw new StoreException("could not take " + location + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            lock.drop();
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while taking " + location, e);
        }
    }

    private void await(Duration patience) throws SQLException, InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        while (!tryTake()) {
            if (System.nanoTime() >= end) {
                throw new StoreException(location + " is in use by another server: " + other()
                        + ". A store belongs to one server: stop that one, or give this one a database or schema"
                        + " of its own (docs/stores.md). Nothing was changed");
            }
            Thread.sleep(POLL_MILLIS);
        }
    }

    /** Writes down that this server has the store. */
    void announce() {
        identity.hold(self);
    }

    private String other() {
        return identity.read()
                .map(StoreIdentity.Found::holder)
                .map(StoreHolder::text)
                .orElse("one that is starting");
    }

    @Override
    public void beat() throws SQLException, StoreWatch.TakenException {
        if (!answers() && !tryTake()) {
            throw new StoreWatch.TakenException("another server has taken it: " + other(), false);
        }
        if (!unbroken) {
            requireUntouched();
        }
    }

    private void requireUntouched() throws StoreWatch.TakenException {
        if (!identity.isHeldBy(self)) {
            drop();
            throw new StoreWatch.TakenException("another server had it meanwhile", true);
        }
        unbroken = true;
    }

    private boolean answers() {
        Connection connection = held;
        if (connection == null) {
            return false;
        }
        try (Statement statement = connection.createStatement()) {
            return statement.execute("SELECT 1");
        } catch (SQLException e) {
            LOG.debug("the connection that holds {} broke", location, e);
            drop();
            return false;
        }
    }

    private boolean tryTake() throws SQLException {
        Connection fresh = source.getConnection();
        boolean taken = false;
        try {
            fresh.setAutoCommit(false);
            taken = lock(fresh);
            return taken;
        } finally {
            if (taken) {
                held = fresh;
            } else {
                fresh.close();
            }
        }
    }

    /** The database ends the transaction of a machine that is gone after half a minute. */
    private static boolean lock(Connection connection) throws SQLException {
        try (Statement settings = connection.createStatement()) {
            settings.execute("SET LOCAL idle_in_transaction_session_timeout = 0");
            settings.execute("SET LOCAL tcp_keepalives_idle = 10");
            settings.execute("SET LOCAL tcp_keepalives_interval = 5");
            settings.execute("SET LOCAL tcp_keepalives_count = 3");
        }
        try (PreparedStatement query = connection.prepareStatement(
                "SELECT pg_try_advisory_xact_lock(?, hashtext(coalesce(current_schema(), '')))")) {
            query.setInt(1, LOCK);
            try (ResultSet row = query.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    /** Gives the store back: the next server need not wait. */
    void release() {
        try {
            identity.release(self);
        } catch (JdbiException e) {
            LOG.warn("could not write down that {} is no longer used: {}", location, e.toString());
        } finally {
            drop();
        }
    }

    /** Ends the connection; the database then ends the lock. */
    void drop() {
        Connection connection = held;
        held = null;
        unbroken = false;
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                LOG.debug("could not close the connection that holds {}", location, e);
            }
        }
    }
}

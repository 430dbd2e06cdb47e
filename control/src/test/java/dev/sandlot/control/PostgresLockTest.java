package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One server for one store, the right store for a server, and a store that is away. */
@Tag("kernel")
@ExtendWith(WithPostgres.class)
class PostgresLockTest {
    private final PostgresServer server;
    private final String address;

    PostgresLockTest(PostgresServer server) {
        this.server = server;
        this.address = server.newDatabase();
    }

    private static StoreLocation location(String url) {
        return new StoreLocation.Postgres(url, 4);
    }

    private static StoreUse use(String dataDirectory) {
        return new StoreUse(Path.of("/nowhere", dataDirectory), null);
    }

    private static Team.Limits limits() {
        return new Team.Limits(1, 1);
    }

    /** What the second one took for dead was running. */
    @Test
    void aStoreThatIsInUseIsRefusedWithWhoUsesIt() {
        try (Store first = location(address).open(use("one"))) {
            assertThatThrownBy(() -> location(address).open(use("two")))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("is in use by another server: process "
                            + ProcessHandle.current().pid() + " on ")
                    .hasMessageContaining("data directory /nowhere/one, since 2");
            first.teams().putTier(new TeamStore.Tier("on", limits()));
        }
        location(address).open(use("two")).close();
    }

    @Test
    void aFreshDatabaseThatIsInUseIsLeftAsItIs() throws Exception {
        StoreLocation.Postgres fresh = new StoreLocation.Postgres(server.newDatabase(), 4);
        PostgresLock lock = PostgresLock.take(fresh, StoreHolder.current(Path.of("/nowhere/one")));
        assertThatThrownBy(() -> fresh.open(use("two"))).hasMessageContaining("one that is starting");
        try (var connection = fresh.address().dataSource().getConnection();
                var tables = connection.getMetaData().getTables(null, "public", "%", new String[] {"TABLE"})) {
            assertThat(tables.next()).isFalse();
        }
        lock.drop();
    }

    /** A killed server releases nothing but its connection. */
    @Test
    void aServerThatWasKilledIsFollowedAtOnceByItsNextStart() throws Exception {
        String fresh = server.newDatabase();
        location(fresh).migrate();
        StoreLocation.Postgres postgres = new StoreLocation.Postgres(fresh, 4);
        PostgresLock killed = PostgresLock.take(postgres, StoreHolder.current(Path.of("/nowhere/one")));
        new StoreIdentity(Jdbi.create(postgres.address().dataSource())).establish();
        killed.announce();
        killed.drop();
        long began = System.nanoTime();
        location(fresh).open(use("one")).close();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(3));
    }

    @Test
    void aHeldStoreIsTakenAgainWhenItsConnectionBreaks() throws Exception {
        try (Store store = location(address).open(use("one"))) {
            endTheLock();
            assertThatThrownBy(() -> location(address).open(use("two"))).hasMessageContaining("in use");
            store.teams().putTier(new TeamStore.Tier("after", limits()));
        }
    }

    private void endTheLock() {
        PostgresServer.execute(address, """
                SELECT pg_terminate_backend(pid) FROM pg_locks
                WHERE locktype = 'advisory' AND granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """);
    }

    /** The other one dropped what this one runs: what this one knows is wrong now. */
    @Test
    void aStoreThatAnotherServerHadMeanwhileIsNeverWrittenAgain() throws Exception {
        StoreLocation.Postgres postgres = new StoreLocation.Postgres(server.newDatabase(), 4);
        PostgresLock first = PostgresLock.take(postgres, StoreHolder.current(Path.of("/nowhere/one")));
        location(postgres.url()).migrate();
        new StoreIdentity(Jdbi.create(postgres.address().dataSource())).establish();
        first.announce();
        try (StoreWatch watch = new StoreWatch("the store", first, true)) {
            first.drop();
            PostgresLock other = PostgresLock.take(postgres, StoreHolder.current(Path.of("/nowhere/one")));
            other.announce();
            await(() -> watch.trouble() != null);
            other.release();
            await(() -> String.valueOf(watch.trouble()).contains("had it meanwhile"));
            assertThatThrownBy(watch::require)
                    .isInstanceOf(StoreAwayException.class)
                    .hasMessageContaining("Another server");
        }
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long patience = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(patience);
            Thread.sleep(20);
        }
    }

    @Test
    void aDatabaseThatIsAwayCostsOnePatienceAndThenNothingUntilItIsBack() throws Exception {
        try (Store store = location(address).open(use("one"))) {
            server.stop();
            try {
                assertThatThrownBy(() -> store.teams().byId(UUID.randomUUID())).isInstanceOf(StoreAwayException.class);
                assertThat(store.trouble()).isNotNull();
                long began = System.nanoTime();
                assertThatThrownBy(() -> store.teams().putTier(new TeamStore.Tier("no", limits())))
                        .isInstanceOf(StoreAwayException.class)
                        .hasMessageContaining("does not answer");
                assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(1));
            } finally {
                server.start();
            }
            await(() -> store.trouble() == null);
            store.teams().putTier(new TeamStore.Tier("yes", limits()));
        }
    }

    @Test
    void aStoreIsKnownByItsIdAndAnotherOneIsRefusedUnchanged() {
        String id;
        try (Store store = location(address).open(use("one"))) {
            id = store.id();
        }
        StoreUse of = new StoreUse(Path.of("/nowhere/one"), id);
        try (Store again = location(address).open(of)) {
            assertThat(again.id()).isEqualTo(id);
        }
        String other = server.newDatabase();
        assertThatThrownBy(() -> location(other).open(of))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining(id)
                .hasMessageContaining("--new-store");
        assertThat(location(other).migrate().before()).isEqualTo(SchemaChange.NONE);
    }

    @Test
    void aDatabaseOfANewerProgramIsRefusedWithBothVersions() {
        String newer = server.newDatabase();
        location(newer).migrate();
        PostgresServer.execute(newer, MigrationsTest.FROM_THE_FUTURE);
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> location(newer).open(use("one")),
                () -> location(newer).migrate(),
                () -> location(newer).look())) {
            assertThatThrownBy(use)
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("version 999 ")
                    .hasMessageContaining("knows " + MigrationsTest.newest());
        }
    }
}

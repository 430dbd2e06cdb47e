package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The store in a real PostgreSQL. */
@Tag("kernel")
@ExtendWith(WithPostgres.class)
class PostgresStoreTest extends StoreContract {
    private final PostgresServer server;
    private final String address;

    PostgresStoreTest(PostgresServer server) {
        this.server = server;
        this.address = server.newDatabase();
    }

    @Override
    protected Store open() {
        return location(address).open(new StoreUse(Path.of("data"), null));
    }

    private static StoreLocation location(String url) {
        return new StoreLocation.Postgres(url, 4);
    }

    @Test
    void migratingAgainChangesNothing() {
        String fresh = server.newDatabase();
        assertThat(location(fresh).migrate())
                .isEqualTo(new SchemaChange(
                        SchemaChange.NONE,
                        MigrationsTest.newest(),
                        MigrationsTest.versions().size()));
        assertThat(location(fresh).migrate())
                .isEqualTo(new SchemaChange(MigrationsTest.newest(), MigrationsTest.newest(), 0));
    }

    @Test
    void severalServersMayMigrateAtOnce() throws Exception {
        String fresh = server.newDatabase();
        Callable<SchemaChange> migrate = () -> location(fresh).migrate();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var changes = threads.invokeAll(List.of(migrate, migrate, migrate));
            int applied = 0;
            for (var change : changes) {
                applied += change.get().applied();
            }
            assertThat(applied).isEqualTo(MigrationsTest.versions().size());
        }
    }

    @Test
    void aRestartOfTheServerIsSurvived() {
        try (Store store = location(server.newDatabase()).open(new StoreUse(Path.of("data"), null))) {
            store.teams().putTier(new TeamStore.Tier("before", new Team.Limits(1, 1)));
            store.teams().byId(UUID.randomUUID());
            server.stop();
            server.start();
            store.teams().putTier(new TeamStore.Tier("after", new Team.Limits(1, 1)));
            assertThat(store.teams().byId(UUID.randomUUID())).isEmpty();
        }
    }

    @Test
    void theServerIsLookedAt() {
        assertThat(location(address).look()).matches("PostgreSQL \\d.* answers: PostgreSQL database test\\d+ at .*");
    }

    @Test
    void aWrongPasswordIsToldWithoutThePassword() {
        String wrong = address.replaceFirst("sandlot:[^@]*@", "sandlot:not-it@");
        assertThatThrownBy(() -> location(wrong).open(new StoreUse(Path.of("data"), null)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("could not reach PostgreSQL database")
                .hasMessageNotContaining("not-it");
    }
}

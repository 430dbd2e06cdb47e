package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The store behind a REST interface, which is {@link LocalPostgrest} here: PostgREST itself is in no package
 * repository that the tests may use.
 */
@Tag("kernel")
@ExtendWith(WithPostgres.class)
class SupabaseStoreTest extends StoreContract {
    /** Smaller than what the store asks for, as servers do. */
    private static final int MAX_ROWS = 7;

    private final String database;
    private final LocalPostgrest server;

    SupabaseStoreTest(PostgresServer postgres) throws IOException {
        this.database = postgres.newDatabase();
        this.server = new LocalPostgrest(database, MAX_ROWS);
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Override
    protected Store open() {
        PostgresServer.execute(database, StoreLocation.printedSchema());
        return location(LocalPostgrest.KEY).open();
    }

    private StoreLocation location(String key) {
        return new StoreLocation.Supabase(server.url(), key);
    }

    @Test
    void thePrintedSchemaMayBeRunAgain() {
        PostgresServer.execute(database, StoreLocation.printedSchema());
        assertThat(location(LocalPostgrest.KEY).migrate())
                .isEqualTo(new SchemaChange(Migrations.newest(), Migrations.newest(), 0));
    }

    @Test
    void aProjectWithoutTheSchemaIsToldWhatToRun() {
        PostgresServer.execute(database, "DELETE FROM " + Migrations.PRINTED_TABLE);
        assertThatThrownBy(() -> location(LocalPostgrest.KEY).open())
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("sandlot migrate --print");
        PostgresServer.execute(database, "DROP TABLE " + Migrations.PRINTED_TABLE);
        assertThatThrownBy(() -> location(LocalPostgrest.KEY).migrate())
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("sandlot migrate --print");
    }

    @Test
    void aWrongKeyIsRefusedWithoutShowingIt() {
        assertThatThrownBy(() -> location("wrong-key").open())
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("401")
                .hasMessageNotContaining("wrong-key");
    }

    @Test
    void aReadIsAskedAgainWhenTheServerIsBusy() {
        try (Store store = location(LocalPostgrest.KEY).open()) {
            server.failNext(503);
            server.failNext(429);
            assertThat(store.teams().byId(UUID.randomUUID())).isEmpty();
        }
    }

    @Test
    void aChangeIsNotRepeatedWhenNobodyKnowsWhetherItWasMade() {
        try (Store store = location(LocalPostgrest.KEY).open()) {
            server.failNext(503);
            assertThatThrownBy(() -> store.teams().putTier(new TeamStore.Tier("t", new Team.Limits(1, 1))))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("503");
        }
    }
}

package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The contract in a Supabase project: its REST interface as {@link LocalPostgrest} has it, a real PostgreSQL behind. */
@Tag("kernel")
@ExtendWith(WithPostgres.class)
class SupabaseStoreTest extends StoreContract {
    private final PostgresServer server;
    private LocalPostgrest rest;
    private String database;

    SupabaseStoreTest(PostgresServer server) {
        this.server = server;
    }

    @Override
    protected Store open() {
        project();
        PostgresServer.execute(database, StoreLocation.Supabase.schema());
        return location().open(new StoreUse(Path.of("data"), null));
    }

    private void project() {
        database = server.newDatabase();
        for (String role : List.of("anon", "authenticated", "service_role")) {
            PostgresServer.execute(database, """
                    DO $$ BEGIN CREATE ROLE %s NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                    GRANT USAGE ON SCHEMA public TO %s;
                    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO %s
                    """.formatted(role, role, role));
        }
        try {
            rest = new LocalPostgrest(database);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private StoreLocation.Supabase location() {
        return location(LocalPostgrest.KEY);
    }

    private StoreLocation.Supabase location(String key) {
        return new StoreLocation.Supabase(rest.url(), key, 8);
    }

    @AfterEach
    void closeProject() {
        rest.close();
    }

    @Test
    void theSchemaMayBeRunAgainAndIsThenCurrent() {
        PostgresServer.execute(database, StoreLocation.Supabase.schema());
        assertThat(location().migrate().applied()).isZero();
        assertThat(location().look()).contains("answers, schema version ");
    }

    @Test
    void aProjectWithoutTheSchemaIsRefusedWithWhatToDo() {
        rest.close();
        project();
        assertThatThrownBy(() -> location().open(new StoreUse(Path.of("data"), null)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("sandlot migrate --print");
    }

    @Test
    void aProjectWithAnOlderSchemaIsRefusedWithWhatToDo() {
        PostgresServer.execute(
                database,
                "DELETE FROM sandlot.schema_changes WHERE version = (SELECT MAX(version) FROM sandlot.schema_changes)");
        assertThatThrownBy(() -> location().open(new StoreUse(Path.of("data"), null)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("sandlot migrate --print");
    }

    @Test
    void aKeyThatIsNotTheSecretOneOpensNothing() {
        assertThatThrownBy(() -> location(LocalPostgrest.ANON_KEY).open(new StoreUse(Path.of("data"), null)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("42501");
        assertThatThrownBy(() -> location("wrong").open(new StoreUse(Path.of("data"), null)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("401");
    }

    @Test
    void theKeyIsInNoText() {
        assertThat(location().toString()).doesNotContain(LocalPostgrest.KEY);
        assertThatThrownBy(() -> new StoreLocation.Supabase(URI.create("http://db.example/"), "k", 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aRequestThatPassesMayFailAndIsRepeated() {
        try (Store store = location().open(new StoreUse(Path.of("data"), null))) {
            rest.failNext(503);
            assertThat(store.teams().bySlug("nobody")).isEmpty();
            rest.failNext(503);
            assertThat(store.teams().addTeam(UUID.randomUUID(), "A", "alpha", "tier"))
                    .isTrue();
        }
    }

    @Test
    void aTransactionThatOthersCameBetweenIsPlayedAgainAndNothingOfTheFirstTryStays() {
        try (SupabaseProject project = new SupabaseProject(location())) {
            Jdbi jdbi = Jdbi.create(() -> RestConnection.open(project));
            Sql sql = new Sql(jdbi, jdbi, true, null);
            AtomicInteger tries = new AtomicInteger();
            long seen = sql.writeAlone(handle -> {
                int tried = tries.incrementAndGet();
                long changes = handle.createQuery("SELECT changes FROM account_changes")
                        .mapTo(Long.class)
                        .one();
                if (tried == 1) {
                    PostgresServer.execute(database, "UPDATE sandlot.account_changes SET changes = changes + 100");
                }
                handle.execute("UPDATE account_changes SET changes = ?", changes + 1);
                return changes;
            });
            assertThat(tries).hasValue(2);
            assertThat(changes(sql)).isEqualTo(seen + 1).isGreaterThan(100);
        }
    }

    private static long changes(Sql sql) {
        return sql.read(handle -> handle.createQuery("SELECT SUM(changes) FROM account_changes")
                .mapTo(Long.class)
                .one());
    }

    @Test
    void whatIsPlayedIsNotSeenByOthersAndIsUndoneWhenItFails() {
        try (SupabaseProject project = new SupabaseProject(location())) {
            Jdbi jdbi = Jdbi.create(() -> RestConnection.open(project));
            Jdbi onlooker = Jdbi.create(() -> RestConnection.open(project));
            Sql sql = new Sql(jdbi, onlooker, true, null);
            long before = changes(sql);
            assertThatThrownBy(() -> sql.write(handle -> {
                        handle.execute("UPDATE account_changes SET changes = changes + 1");
                        assertThat(changes(sql)).isEqualTo(before);
                        throw new IllegalStateException("stop");
                    }))
                    .hasMessage("stop");
            assertThat(changes(sql)).isEqualTo(before);
        }
    }
}

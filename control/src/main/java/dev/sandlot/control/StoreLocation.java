package dev.sandlot.control;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import javax.sql.DataSource;

/** Which store, and where. The secrets in it are in no text that it makes. */
public sealed interface StoreLocation {
    /** A SQLite database in a file of its own. */
    record SqliteFile(Path file) implements StoreLocation {
        /** The files that are written over and over again, and are there for as long as the database is. */
        public List<Path> files() {
            return List.of(file, new LogReserve(file).file());
        }

        @Override
        public String toString() {
            return "SQLite in " + file;
        }
    }

    /**
     * A PostgreSQL database.
     *
     * @param url {@code postgres://…}, {@code postgresql://…} or {@code jdbc:postgresql://…}, with user and password
     * @param connections how many connections are open at most
     */
    record Postgres(String url, int connections) implements StoreLocation {
        /** Refuses, with an {@link IllegalArgumentException}, an address that cannot be understood. */
        public Postgres {
            PostgresAddress.parse(url);
        }

        PostgresAddress address() {
            return PostgresAddress.parse(url);
        }

        @Override
        public String toString() {
            return address().toString();
        }
    }

    /**
     * A Supabase project, by its REST interface.
     *
     * @param url of the project; {@code https}, or {@code http} on this machine
     * @param key its secret key
     * @param connections how many requests are under way at most
     */
    record Supabase(URI url, String key, int connections) implements StoreLocation {
        /** Refuses, with an {@link IllegalArgumentException}, a URL by which the key would travel in the clear. */
        public Supabase {
            IdentityProvider.address(url.toString());
            if (key.isBlank() || !key.chars().allMatch(c -> c > ' ' && c < 127)) {
                throw new IllegalArgumentException("the secret key of the Supabase project is empty or no key");
            }
        }

        /** The tables and the function that the owner of a project has to make, as SQL. */
        public static String schema() {
            return PrintedSchema.text();
        }

        @Override
        public String toString() {
            return "Supabase project at " + url;
        }
    }

    /** The memory of this process; gone with it. */
    record Memory() implements StoreLocation {
        @Override
        public String toString() {
            return "memory of the server, lost when it stops";
        }
    }

    /**
     * Opens the store for one server, with its schema brought up to date where that can be done from here.
     *
     * @throws StoreException when it cannot be reached or used, when another server uses it, or when it is another one
     *     than the data directory's; nothing was changed then
     */
    default Store open(StoreUse use) {
        require(use);
        try {
            return openFor(use);
        } catch (StoreException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new StoreException("could not open " + this + ": " + e.getMessage(), e);
        }
    }

    /**
     * Refuses a store on this machine that is not the data directory's, before anything of it is made.
     *
     * @throws StoreException when it is another one, or cannot be used
     */
    default void require(StoreUse use) {
        switch (this) {
            case SqliteFile sqlite -> use.require(this, SqliteCheck.idIn(sqlite));
            case Memory() -> use.require(this, null);
            case Postgres _, Supabase _ -> {} // asked by the one connection that opens it
        }
    }

    private Store openFor(StoreUse use) {
        return switch (this) {
            case SqliteFile sqlite -> SqlStore.openSqlite(sqlite.file());
            case Postgres postgres -> SqlStore.openPostgres(postgres, use);
            case Supabase supabase -> SqlStore.openSupabase(supabase, use);
            case Memory() -> SqlStore.openMemory();
        };
    }

    /**
     * Brings the schema up to date.
     *
     * @throws StoreException when it cannot be done, with what to do instead
     */
    default SchemaChange migrate() {
        return switch (this) {
            case SqliteFile(Path file) -> Migrations.apply(SqlStore.sqliteForMigration(file));
            case Postgres postgres -> migrate(postgres.address().dataSource());
            case Supabase supabase -> {
                String version = schemaOf(supabase);
                yield new SchemaChange(version, version, 0);
            }
            case Memory() -> new SchemaChange(SchemaChange.NONE, SchemaChange.NONE, 0);
        };
    }

    private static String schemaOf(Supabase supabase) {
        try (SupabaseProject project = new SupabaseProject(supabase)) {
            return PrintedSchema.require(supabase, project);
        }
    }

    private String look(DataSource source) {
        String version = PostgresCheck.requireVersion(this, source);
        Migrations.requireKnown(source);
        return "PostgreSQL " + version + " answers: " + this;
    }

    private SchemaChange migrate(DataSource source) {
        PostgresCheck.requireVersion(this, source);
        return Migrations.apply(source);
    }

    /**
     * Looks whether the store answers, and changes nothing.
     *
     * @return what answered
     * @throws StoreException when it does not answer or cannot be used
     */
    default String look() {
        return switch (this) {
            case Memory() -> toString();
            case SqliteFile sqlite -> SqliteCheck.look(sqlite);
            case Supabase supabase -> this + " answers, schema version " + schemaOf(supabase);
            case Postgres postgres -> look(postgres.address().dataSource());
        };
    }
}

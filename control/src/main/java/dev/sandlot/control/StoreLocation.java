package dev.sandlot.control;

import java.nio.file.Path;
import javax.sql.DataSource;

/** Which store, and where. The secrets in it are in no text that it makes. */
public sealed interface StoreLocation {
    /** A SQLite database in a file of its own. */
    record SqliteFile(Path file) implements StoreLocation {
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

    /** The memory of this process; gone with it. */
    record Memory() implements StoreLocation {
        @Override
        public String toString() {
            return "memory of the server, lost when it stops";
        }
    }

    /**
     * Opens the store, with its schema brought up to date where that can be done from here.
     *
     * @throws StoreException when it cannot be reached or used
     */
    default Store open() {
        return switch (this) {
            case SqliteFile(Path file) -> SqlStore.openSqlite(file);
            case Postgres postgres -> SqlStore.openPostgres(postgres);
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
            case Memory() -> new SchemaChange(SchemaChange.NONE, SchemaChange.NONE, 0);
        };
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
            case SqliteFile _, Memory() -> toString();
            case Postgres postgres ->
                "PostgreSQL "
                        + PostgresCheck.requireVersion(this, postgres.address().dataSource()) + " answers: " + this;
        };
    }
}

package dev.sandlot.control;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * The store in an SQL database. With SQLite all writes pass one connection, one after another; reads have their
 * own connections and never wait for a write. A commit reaches the operating system at once and the disk with the
 * next checkpoint: a crash of the process loses nothing, a power cut at most the last moments.
 */
public final class SqlStore implements Store {
    private static final int READERS = 4;
    private static final int BUSY_MILLIS = 10_000;

    private final HikariDataSource writers;
    private final HikariDataSource readers;
    private final SandboxStore sandboxes;
    private final TeamStore teams;
    private final TemplateStore templates;
    private final PersonStore people;
    private final OperationStore operations;

    private SqlStore(HikariDataSource writers, HikariDataSource readers) {
        this.writers = writers;
        this.readers = readers;
        Sql sql = new Sql(Jdbi.create(writers), Jdbi.create(readers));
        this.sandboxes = new SqlSandboxStore(sql);
        this.teams = new SqlTeamStore(sql);
        this.templates = new SqlTemplateStore(sql);
        this.people = new SqlPersonStore(sql);
        this.operations = new SqlOperationStore(sql);
    }

    /** Opens the SQLite database of that file, which is made or brought up to date as needed. */
    public static SqlStore openSqlite(Path file) {
        HikariDataSource writers = pool("store-writer", 1, sqlite(file, SQLiteConfig.TransactionMode.IMMEDIATE));
        try {
            migrate(writers);
            return new SqlStore(writers, readers(file));
        } catch (RuntimeException e) {
            writers.close();
            throw e;
        }
    }

    private static HikariDataSource readers(Path file) {
        HikariConfig config = poolConfig("store-reader", READERS, sqlite(file, SQLiteConfig.TransactionMode.DEFERRED));
        config.setConnectionInitSql("PRAGMA query_only = ON");
        return new HikariDataSource(config);
    }

    private static HikariDataSource pool(String name, int size, DataSource source) {
        return new HikariDataSource(poolConfig(name, size, source));
    }

    private static HikariConfig poolConfig(String name, int size, DataSource source) {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setDataSource(source);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setMaxLifetime(0);
        return config;
    }

    private static DataSource sqlite(Path file, SQLiteConfig.TransactionMode mode) {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
        config.setBusyTimeout(BUSY_MILLIS);
        config.enforceForeignKeys(true);
        config.setTransactionMode(mode);
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + file);
        return source;
    }

    private static void migrate(DataSource source) {
        Flyway.configure(SqlStore.class.getClassLoader())
                .dataSource(source)
                .locations("classpath:dev/sandlot/control/migrations")
                .load()
                .migrate();
    }

    @Override
    public SandboxStore sandboxes() {
        return sandboxes;
    }

    @Override
    public TeamStore teams() {
        return teams;
    }

    @Override
    public TemplateStore templates() {
        return templates;
    }

    @Override
    public PersonStore people() {
        return people;
    }

    @Override
    public OperationStore operations() {
        return operations;
    }

    @Override
    public void close() {
        readers.close();
        writers.close();
    }
}

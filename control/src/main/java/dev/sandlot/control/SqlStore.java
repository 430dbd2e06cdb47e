package dev.sandlot.control;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import javax.sql.DataSource;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * The store in an SQL database. With SQLite in a file all writes pass one connection, one after another; reads have their
 * own connections and never wait for a write. A commit reaches the operating system at once and the disk with the
 * next checkpoint: a crash of the process loses nothing, a power cut at most the last moments. In memory there is one connection for
 * everything, and with it the database ends. With PostgreSQL reads
 * and writes share one pool; changes that depend on what they read are serializable, and connections that a restart
 * of the server broke are replaced. A Supabase project is a PostgreSQL behind a REST interface: {@link
 * RestConnection} says how transactions are made of requests.
 */
public final class SqlStore implements Store {
    private static final Logger LOG = LoggerFactory.getLogger(SqlStore.class);
    private static final Set<String> WRITES_ELSEWHERE = Set.of("btrfs", "zfs", "bcachefs");
    private static final int READERS = 4;
    private static final int BUSY_MILLIS = 10_000;
    private static final Duration WAIT_FOR_CONNECTION = Duration.ofSeconds(10);
    private static final Duration KEEP_ALIVE = Duration.ofMinutes(2);

    private final Sql sql;
    private final String id;
    private final Runnable ending;
    private final SandboxStore sandboxes;
    private final TeamStore teams;
    private final TemplateStore templates;
    private final BuildStore builds;
    private final PersonStore people;
    private final OperationStore operations;

    private SqlStore(Sql sql, List<HikariDataSource> pools) {
        this(sql, () -> pools.forEach(HikariDataSource::close));
    }

    private SqlStore(Sql sql, Runnable ending) {
        this.sql = sql;
        this.id = new StoreIdentity(sql.writer()).establish();
        this.ending = ending;
        this.sandboxes = new SqlSandboxStore(sql);
        this.teams = new SqlTeamStore(sql);
        this.templates = new SqlTemplateStore(sql);
        this.builds = new SqlBuildStore(sql);
        this.people = new SqlPersonStore(sql);
        this.operations = new SqlOperationStore(sql);
    }

    /**
     * Opens the SQLite database of that file, which is made or brought up to date as needed. Its log has room of its
     * own on the disk: {@link LogReserve}. Other programs may read it meanwhile, unless the disk is so full that there
     * is no room for what they would share, or its file system needs room for each change of a mapped page: on a full
     * disk the kernel ends a process that writes to one.
     *
     * @throws StoreException when its files cannot be used
     */
    public static SqlStore openSqlite(Path file) {
        if (WRITES_ELSEWHERE.contains(fileSystem(file))) {
            return openSqlite(file, alone(file));
        }
        try {
            return openSqlite(file, file.toString());
        } catch (RuntimeException e) {
            if (!StoreTrouble.isOfFiles(e)) {
                throw e;
            }
            LOG.warn("{} is opened for this server alone, since it cannot be shared: {}", file, e.toString());
            return openSqlite(file, alone(file));
        }
    }

    private static String fileSystem(Path file) {
        try {
            return Files.getFileStore(file.toAbsolutePath().getParent()).type();
        } catch (IOException e) {
            throw new StoreException("could not look at the place of " + file + ": " + e.getMessage(), e);
        }
    }

    private static SqlStore openSqlite(Path file, String place) {
        keepRoom(file, place);
        HikariDataSource writers = pool(sqliteConfig("store-writer", 1, place, SQLiteConfig.TransactionMode.IMMEDIATE));
        try {
            Migrations.ensure(writers);
            HikariDataSource readers = readers(place);
            return new SqlStore(
                    new Sql(Jdbi.create(writers), Jdbi.create(readers), true, null), List.of(readers, writers));
        } catch (RuntimeException e) {
            writers.close();
            throw e;
        }
    }

    /** A database that has another log, or none since it is new, is used once: with its last connection its log goes. */
    private static void keepRoom(Path file, String place) {
        LogReserve reserve = new LogReserve(file);
        try {
            if (reserve.isTheLog()) {
                return;
            }
            if (!reserve.mayBecomeTheLog()) {
                Migrations.ensure(sqlite(place, SQLiteConfig.TransactionMode.IMMEDIATE));
            }
            if (reserve.mayBecomeTheLog()) {
                reserve.becomeTheLog();
            }
        } catch (IOException e) {
            throw new StoreException("could not keep room on the disk for " + file + ": " + e.getMessage(), e);
        }
    }

    /** A name by which SQLite opens the file for this process alone and keeps the log's index in memory. */
    private static String alone(Path file) {
        return "file:" + file.toAbsolutePath().toUri().getRawPath() + "?vfs=unix-excl";
    }

    /** Opens a new SQLite database in the memory of this process. */
    static SqlStore openMemory() {
        HikariDataSource one =
                pool(sqliteConfig("store-memory", 1, ":memory:", SQLiteConfig.TransactionMode.IMMEDIATE));
        try {
            Migrations.apply(one);
            Jdbi jdbi = Jdbi.create(one);
            return new SqlStore(new Sql(jdbi, jdbi, true, null), List.of(one));
        } catch (RuntimeException e) {
            one.close();
            throw e;
        }
    }

    /** Opens a PostgreSQL database for one server alone; its schema is brought up to date. */
    static SqlStore openPostgres(StoreLocation.Postgres location, StoreUse use) {
        DataSource source = location.address().dataSource();
        PostgresCheck.requireVersion(location, source);
        PostgresLock lock = PostgresLock.take(location, StoreHolder.current(use.dataDirectory()));
        try {
            Migrations.requireKnown(source);
            use.require(location, StoreIdentity.idIn(source));
            Migrations.ensure(source);
            return openPostgres(location, lock);
        } catch (RuntimeException e) {
            lock.drop();
            throw e;
        }
    }

    private static SqlStore openPostgres(StoreLocation.Postgres location, PostgresLock lock) {
        DataSource source = location.address().dataSource((int) StoreWatch.PATIENCE.toSeconds());
        HikariConfig config = poolConfig("store", location.connections(), source);
        config.setConnectionTimeout(WAIT_FOR_CONNECTION.toMillis());
        config.setKeepaliveTime(KEEP_ALIVE.toMillis());
        HikariDataSource pool = pool(config);
        StoreWatch watch = new StoreWatch(location.toString(), lock, true);
        try {
            Jdbi jdbi = Jdbi.create(pool);
            SqlStore store = new SqlStore(new Sql(jdbi, jdbi, false, watch), () -> {
                watch.close();
                pool.close();
                lock.release();
            });
            lock.announce();
            return store;
        } catch (RuntimeException e) {
            watch.close();
            pool.close();
            throw e;
        }
    }

    /** Opens a Supabase project, whose schema must be there. */
    static SqlStore openSupabase(StoreLocation.Supabase location, StoreUse use) {
        SupabaseProject project = new SupabaseProject(location);
        Jdbi jdbi = Jdbi.create(() -> RestConnection.open(project));
        try {
            PrintedSchema.require(location, project);
            use.require(
                    location,
                    new StoreIdentity(jdbi)
                            .read()
                            .map(StoreIdentity.Found::storeId)
                            .orElse(null));
            StoreWatch watch =
                    new StoreWatch(location.toString(), () -> PrintedSchema.require(location, project), false);
            return new SqlStore(new Sql(jdbi, jdbi, true, watch), () -> {
                watch.close();
                project.close();
            });
        } catch (RuntimeException e) {
            project.close();
            throw e;
        }
    }

    private static HikariDataSource readers(String place) {
        HikariConfig config = sqliteConfig("store-reader", READERS, place, SQLiteConfig.TransactionMode.DEFERRED);
        config.setConnectionInitSql("PRAGMA query_only = ON");
        return pool(config);
    }

    private static HikariConfig sqliteConfig(String name, int size, String place, SQLiteConfig.TransactionMode mode) {
        HikariConfig config = poolConfig(name, size, sqlite(place, mode));
        config.setMaxLifetime(0);
        return config;
    }

    private static HikariConfig poolConfig(String name, int size, DataSource source) {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setDataSource(source);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        return config;
    }

    private static HikariDataSource pool(HikariConfig config) {
        return new HikariDataSource(config);
    }

    /** The database of that file, for one change of its schema. */
    static DataSource sqliteForMigration(Path file) {
        return sqlite(file.toString(), SQLiteConfig.TransactionMode.IMMEDIATE);
    }

    private static DataSource sqlite(String place, SQLiteConfig.TransactionMode mode) {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
        config.setBusyTimeout(BUSY_MILLIS);
        config.enforceForeignKeys(true);
        config.setTransactionMode(mode);
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + place);
        return source;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public @Nullable String trouble() {
        StoreWatch watch = sql.watch();
        return watch == null ? null : watch.trouble();
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
    public BuildStore builds() {
        return builds;
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
        ending.run();
    }
}

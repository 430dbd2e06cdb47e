package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;

/** The runs of sandboxes in SQL. */
final class SqlSandboxStore implements SandboxStore {
    private static final String INSERT = """
            INSERT INTO sandboxes (id, execution_id, team_id, state, env_id, build_id, alias, envd_version, vcpu,
                ram_mb, total_disk_size_mb, allow_internet_access, metadata, started_at, end_at)
            VALUES (:id, :execution, :team, :state, :env, :build, :alias, :envd, :vcpu,
                :ram, :disk, :internet, :metadata, :started, :end)
            """;
    private static final TypeReference<LinkedHashMap<String, String>> STRING_MAP = new TypeReference<>() {};
    private final Sql sql;

    SqlSandboxStore(Sql sql) {
        this.sql = sql;
    }

    @Override
    public void begin(SandboxRecord starting) {
        sql.write(handle -> insert(handle, starting));
    }

    private static int insert(Handle handle, SandboxRecord sandbox) {
        return handle.createUpdate(INSERT)
                .bind("id", sandbox.id().value())
                .bind("execution", sandbox.executionId().toString())
                .bind("team", sandbox.teamId().toString())
                .bind("state", sandbox.state().text())
                .bind("env", sandbox.origin().templateId())
                .bind("build", sandbox.origin().buildId().toString())
                .bind("alias", sandbox.origin().alias())
                .bind("envd", sandbox.origin().envdVersion())
                .bind("vcpu", sandbox.resources().cpuCount())
                .bind("ram", sandbox.resources().memoryMb())
                .bind("disk", sandbox.resources().diskMb())
                .bind("internet", sandbox.options().allowInternetAccess())
                .bind("metadata", metadataText(sandbox.options().metadata()))
                .bind("started", sandbox.startedAt().toEpochMilli())
                .bind("end", sandbox.endAt().toEpochMilli())
                .execute();
    }

    @Override
    public boolean started(SandboxRecord running) {
        return changed(
                """
                UPDATE sandboxes SET state = 'running', started_at = ?, end_at = ?
                WHERE id = ? AND execution_id = ? AND state = 'starting'
                """,
                running.startedAt().toEpochMilli(),
                running.endAt().toEpochMilli(),
                running.id().value(),
                running.executionId().toString());
    }

    @Override
    public boolean abandon(SandboxId id, UUID executionId) {
        return changed(
                "DELETE FROM sandboxes WHERE id = ? AND execution_id = ? AND state = 'starting'",
                id.value(),
                executionId.toString());
    }

    @Override
    public boolean moveEnd(SandboxId id, UUID executionId, Instant endAt) {
        return changed(
                "UPDATE sandboxes SET end_at = ? WHERE id = ? AND execution_id = ? AND state = 'running'",
                endAt.toEpochMilli(),
                id.value(),
                executionId.toString());
    }

    private boolean changed(String statement, Object... arguments) {
        return sql.write(handle -> handle.execute(statement, arguments)) == 1;
    }

    @Override
    public boolean end(SandboxId id, UUID executionId, KillReason reason, Instant at) {
        return sql.write(handle -> remove(handle, id, executionId)
                .map(team -> recordEnding(handle, new Ending(id, executionId, team, reason, at)))
                .isPresent());
    }

    private static Optional<UUID> remove(Handle handle, SandboxId id, UUID executionId) {
        return handle.select(
                        "DELETE FROM sandboxes WHERE id = ? AND execution_id = ? RETURNING team_id",
                        id.value(),
                        executionId.toString())
                .mapTo(String.class)
                .findOne()
                .map(UUID::fromString);
    }

    private static int recordEnding(Handle handle, Ending ending) {
        return handle.execute(
                """
                INSERT INTO sandbox_endings (execution_id, sandbox_id, team_id, reason, ended_at)
                VALUES (?, ?, ?, ?, ?)
                """,
                ending.executionId().toString(),
                ending.id().value(),
                ending.teamId().toString(),
                ending.reason().text(),
                ending.endedAt().toEpochMilli());
    }

    @Override
    public List<SandboxRecord> all() {
        return sql.read(handle -> handle.createQuery("SELECT * FROM sandboxes")
                .map((row, context) -> sandbox(row))
                .list());
    }

    @Override
    public Optional<Ending> ending(SandboxId id) {
        return sql.read(handle -> handle.select(
                        "SELECT * FROM sandbox_endings WHERE sandbox_id = ? ORDER BY ended_at DESC LIMIT 1", id.value())
                .map((row, context) -> ending(row))
                .findOne());
    }

    @Override
    public int forgetEndings(Instant before) {
        return sql.write(
                handle -> handle.execute("DELETE FROM sandbox_endings WHERE ended_at < ?", before.toEpochMilli()));
    }

    private static Ending ending(ResultSet row) throws SQLException {
        return new Ending(
                new SandboxId(row.getString("sandbox_id")),
                UUID.fromString(row.getString("execution_id")),
                UUID.fromString(row.getString("team_id")),
                KillReason.of(row.getString("reason")),
                Instant.ofEpochMilli(row.getLong("ended_at")));
    }

    private static SandboxRecord sandbox(ResultSet row) throws SQLException {
        return new SandboxRecord(
                new SandboxId(row.getString("id")),
                UUID.fromString(row.getString("execution_id")),
                UUID.fromString(row.getString("team_id")),
                new SandboxRecord.Origin(
                        row.getString("env_id"),
                        UUID.fromString(row.getString("build_id")),
                        row.getString("alias"),
                        row.getString("envd_version")),
                new Resources(row.getInt("vcpu"), row.getInt("ram_mb"), row.getInt("total_disk_size_mb")),
                options(row),
                SandboxState.of(row.getString("state")),
                Instant.ofEpochMilli(row.getLong("started_at")),
                Instant.ofEpochMilli(row.getLong("end_at")));
    }

    private static SandboxRecord.Options options(ResultSet row) throws SQLException {
        boolean internet = row.getBoolean("allow_internet_access");
        Boolean allowInternetAccess = row.wasNull() ? null : internet;
        String metadata = row.getString("metadata");
        return new SandboxRecord.Options(
                allowInternetAccess, metadata == null ? null : Json.MAPPER.readValue(metadata, STRING_MAP));
    }

    private static @Nullable String metadataText(@Nullable Map<String, String> metadata) {
        return metadata == null ? null : Json.MAPPER.writeValueAsString(metadata);
    }
}

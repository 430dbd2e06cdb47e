package dev.sandlot.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.core.type.TypeReference;

/** Nodes' states and keyed requests in SQL. */
final class SqlOperationStore implements OperationStore {
    private static final TypeReference<Map<String, String>> STRINGS = new TypeReference<>() {};
    private final Sql sql;

    SqlOperationStore(Sql sql) {
        this.sql = sql;
    }

    @Override
    public Optional<NodeState> nodeState(String nodeId) {
        return sql.read(handle -> handle.select("SELECT status, changed_at FROM node_states WHERE node_id = ?", nodeId)
                .map((row, context) -> new NodeState(
                        NodeDuty.of(row.getString("status")).orElse(NodeDuty.STANDBY),
                        Instant.ofEpochMilli(row.getLong("changed_at"))))
                .findOne());
    }

    @Override
    public void putNodeState(String nodeId, NodeState state) {
        String upsert = """
                INSERT INTO node_states (node_id, status, changed_at) VALUES (?, ?, ?)
                ON CONFLICT (node_id) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at
                """;
        sql.write(handle -> handle.execute(
                upsert, nodeId, state.duty().text(), state.changedAt().toEpochMilli()));
    }

    @Override
    public Optional<KnownRequest> begin(KeyedRequest request, Instant now) {
        return sql.writeAlone(handle ->
                insert(handle, request, now) ? Optional.empty() : known(handle, request.teamId(), request.key()));
    }

    private static boolean insert(Handle handle, KeyedRequest request, Instant now) {
        String insert = """
                INSERT INTO idempotent_requests (team_id, idempotency_key, fingerprint, deadline, created_at)
                VALUES (?, ?, ?, ?, ?) ON CONFLICT (team_id, idempotency_key) DO NOTHING
                """;
        return handle.execute(
                        insert,
                        request.teamId().toString(),
                        request.key(),
                        request.fingerprint(),
                        request.deadline().toEpochMilli(),
                        now.toEpochMilli())
                == 1;
    }

    private static Optional<KnownRequest> known(Handle handle, UUID teamId, String key) {
        return handle.select(
                        "SELECT * FROM idempotent_requests WHERE team_id = ? AND idempotency_key = ?",
                        teamId.toString(),
                        key)
                .map((row, context) -> known(row))
                .findOne();
    }

    private static KnownRequest known(ResultSet row) throws SQLException {
        int status = row.getInt("status");
        KnownAnswer answer = row.wasNull()
                ? null
                : new KnownAnswer(
                        status, Json.MAPPER.readValue(row.getString("headers"), STRINGS), row.getString("body"));
        return new KnownRequest(row.getString("fingerprint"), Instant.ofEpochMilli(row.getLong("deadline")), answer);
    }

    @Override
    public boolean renew(UUID teamId, String key, Instant deadline, Instant nextDeadline) {
        return sql.write(handle ->
                handle.execute("""
                        UPDATE idempotent_requests SET deadline = ?
                        WHERE team_id = ? AND idempotency_key = ? AND deadline = ? AND status IS NULL
                        """, nextDeadline.toEpochMilli(), teamId.toString(), key, deadline.toEpochMilli()) == 1);
    }

    @Override
    public void answered(UUID teamId, String key, KnownAnswer answer) {
        sql.write(handle -> handle.execute(
                """
                UPDATE idempotent_requests SET status = ?, headers = ?, body = ?
                WHERE team_id = ? AND idempotency_key = ?
                """,
                answer.status(),
                Json.MAPPER.writeValueAsString(answer.headers()),
                answer.body(),
                teamId.toString(),
                key));
    }

    @Override
    public int forgetRequests(Instant before) {
        return sql.write(handle ->
                handle.execute("DELETE FROM idempotent_requests WHERE created_at < ?", before.toEpochMilli()));
    }
}

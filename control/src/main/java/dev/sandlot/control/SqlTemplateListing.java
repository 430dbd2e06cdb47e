package dev.sandlot.control;

import dev.sandlot.control.TemplateStore.BuildRow;
import dev.sandlot.control.TemplateStore.Listing;
import dev.sandlot.control.TemplateStore.Name;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Reads templates with their names and builds, in as many queries however many templates there are. */
final class SqlTemplateListing {
    private final Handle handle;
    private final String condition;
    private final String argument;
    private final Map<String, List<Name>> names = new HashMap<>();
    private final Map<String, BuildRow> newest = new HashMap<>();
    private final Map<String, BuildRow> newestReady = new HashMap<>();
    private final Map<String, Integer> counts = new HashMap<>();

    private SqlTemplateListing(Handle handle, String condition, String argument) {
        this.handle = handle;
        this.condition = " WHERE e.deleted_at IS NULL AND " + condition;
        this.argument = argument;
    }

    static List<Listing> ofTeam(Handle handle, UUID teamId) {
        return new SqlTemplateListing(handle, "e.source = 'template' AND e.team_id = ?", teamId.toString()).read();
    }

    static Optional<Listing> one(Handle handle, String templateId) {
        return new SqlTemplateListing(handle, "e.id = ?", templateId)
                .read().stream().findFirst();
    }

    /** A row of something that belongs to a template. */
    @FunctionalInterface
    private interface Row {
        void take(ResultSet row) throws SQLException;
    }

    private List<Listing> read() {
        each(
                "SELECT n.* FROM env_aliases n JOIN envs e ON e.id = n.env_id",
                " ORDER BY n.created_at, n.alias",
                row -> names.computeIfAbsent(row.getString("env_id"), id -> new ArrayList<>())
                        .add(new Name(row.getString("namespace"), row.getString("alias"))));
        String assigned = " FROM env_build_assignments a JOIN envs e ON e.id = a.env_id";
        each(
                "SELECT a.env_id, COUNT(DISTINCT a.build_id) AS builds" + assigned,
                " GROUP BY a.env_id",
                row -> counts.put(row.getString("env_id"), row.getInt("builds")));
        each(
                "SELECT a.env_id AS of_env, b.*" + assigned + " JOIN env_builds b ON b.id = a.build_id",
                " AND a.tag = '" + TemplateReference.DEFAULT_TAG + "' ORDER BY a.position",
                this::takeBuild);
        return handle.select("SELECT e.* FROM envs e" + condition + " ORDER BY e.created_at, e.id", argument)
                .map((row, context) -> listing(row))
                .list();
    }

    private void each(String select, String rest, Row action) {
        handle.select(select + condition + rest, argument)
                .map((row, context) -> {
                    action.take(row);
                    return true;
                })
                .list();
    }

    private void takeBuild(ResultSet row) throws SQLException {
        String id = row.getString("of_env");
        BuildRow build = build(row);
        newest.put(id, build);
        if (build.status() == BuildStatus.READY) {
            newestReady.put(id, build);
        }
    }

    static BuildRow build(ResultSet row) throws SQLException {
        Instant created = Instant.ofEpochMilli(row.getLong("created_at"));
        Instant updated = moment(row, "updated_at");
        BuildStatus status = BuildStatus.ofGroup(row.getString("status_group"));
        Instant finished = moment(row, "finished_at");
        return new BuildRow(
                UUID.fromString(row.getString("id")),
                status,
                created,
                updated == null ? created : updated,
                finished == null && status == BuildStatus.READY ? created : finished,
                new Resources(row.getInt("vcpu"), row.getInt("ram_mb"), row.getInt("total_disk_size_mb")),
                row.getString("envd_version"));
    }

    private static @Nullable Instant moment(ResultSet row, String column) throws SQLException {
        long millis = row.getLong(column);
        return row.wasNull() ? null : Instant.ofEpochMilli(millis);
    }

    private static @Nullable UUID uuid(ResultSet row, String column) throws SQLException {
        String text = row.getString(column);
        return text == null ? null : UUID.fromString(text);
    }

    private Listing listing(ResultSet row) throws SQLException {
        String id = row.getString("id");
        Instant created = Instant.ofEpochMilli(row.getLong("created_at"));
        Instant updated = moment(row, "updated_at");
        return new Listing(
                id,
                uuid(row, "team_id"),
                row.getBoolean("public"),
                names.getOrDefault(id, List.of()),
                created,
                updated == null ? created : updated,
                uuid(row, "created_by"),
                moment(row, "last_spawned_at"),
                row.getLong("spawn_count"),
                counts.getOrDefault(id, 0),
                newestReady.get(id),
                newest.get(id));
    }
}

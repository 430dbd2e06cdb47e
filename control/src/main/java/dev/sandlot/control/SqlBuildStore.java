package dev.sandlot.control;

import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.TemplateStart;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;

/** Builds in SQL. */
final class SqlBuildStore implements BuildStore {
    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {};
    private static final BuildContext NO_CONTEXT = new BuildContext("", "", Map.of());
    private static final Map<BuildPlan.Semantics, String> VERSIONS = Map.of(
            BuildPlan.Semantics.V1_0, "v1.0.0",
            BuildPlan.Semantics.V2_0, "v2.0.0",
            BuildPlan.Semantics.V2_1, "v2.1.0");
    private static final String ACTIVE = "status_group IN ('pending', 'in_progress')";

    private final Sql sql;

    SqlBuildStore(Sql sql) {
        this.sql = sql;
    }

    @Override
    public Outcome request(Request request, Reason superseded, Instant now) {
        return sql.writeAlone(handle -> new SqlBuildRequest(handle, request, now).carryOut(superseded));
    }

    @Override
    public Optional<Build> find(UUID buildId) {
        String query = """
                SELECT b.* FROM env_builds b JOIN envs e ON e.id = b.env_id
                WHERE b.id = ? AND e.deleted_at IS NULL
                """;
        return sql.read(handle -> handle.select(query, buildId.toString())
                .map((row, context) -> build(row))
                .findOne());
    }

    @Override
    public boolean start(UUID buildId, BuildPlan.Semantics semantics, Instant at) {
        String update = """
                UPDATE env_builds SET status_group = 'in_progress', version = ?, started_at = ?, updated_at = ?
                WHERE id = ? AND status_group = 'pending'
                    AND env_id IN (SELECT id FROM envs WHERE deleted_at IS NULL)
                """;
        return changed(update, VERSIONS.get(semantics), at.toEpochMilli(), at.toEpochMilli(), buildId.toString());
    }

    @Override
    public boolean putBack(UUID buildId) {
        return changed(
                "UPDATE env_builds SET status_group = 'pending', started_at = NULL WHERE id = ? AND status_group = 'in_progress'",
                buildId.toString());
    }

    @Override
    public boolean finish(UUID buildId, BuiltTemplate built, Instant at) {
        return sql.write(handle -> {
            boolean finished = finish(handle, buildId, built, at) == 1;
            if (finished) {
                handle.execute(
                        "UPDATE envs SET updated_at = ? WHERE id = (SELECT env_id FROM env_builds WHERE id = ?)",
                        at.toEpochMilli(),
                        buildId.toString());
            }
            return finished;
        });
    }

    private static int finish(Handle handle, UUID buildId, BuiltTemplate built, Instant at) {
        String update = """
                UPDATE env_builds SET status_group = 'ready', layers = :layers, envd_version = :envd,
                    default_user = :user, default_workdir = :workdir, start_cmd = :start, context = :context,
                    size_bytes = :size, updated_at = :at, finished_at = :at
                WHERE id = :id AND status_group = 'in_progress'
                """;
        TemplateStart start = built.start();
        return handle.createUpdate(update)
                .bind("layers", Json.MAPPER.writeValueAsString(built.layers()))
                .bind("envd", built.envdVersion())
                .bind("user", built.defaultUser())
                .bind("workdir", built.defaultWorkdir())
                .bind("start", start == null ? null : Json.MAPPER.writeValueAsString(start))
                .bind("context", Json.MAPPER.writeValueAsString(built.context()))
                .bind("size", built.sizeBytes())
                .bind("at", at.toEpochMilli())
                .bind("id", buildId.toString())
                .execute();
    }

    @Override
    public boolean fail(UUID buildId, Reason reason, Instant at) {
        return sql.write(handle -> fail(handle, buildId.toString(), reason, at)) == 1;
    }

    static int fail(Handle handle, String buildId, Reason reason, Instant at) {
        return handle.execute(
                "UPDATE env_builds SET status_group = 'failed', reason = ?, updated_at = ?, finished_at = ? WHERE id = ? AND "
                        + ACTIVE,
                Json.MAPPER.writeValueAsString(reason),
                at.toEpochMilli(),
                at.toEpochMilli(),
                buildId);
    }

    private boolean changed(String statement, @Nullable Object... arguments) {
        return sql.write(handle -> handle.execute(statement, arguments)) == 1;
    }

    @Override
    public List<Build> active() {
        return sql.read(handle -> active(handle, "env_id IS NOT NULL", ""));
    }

    /** Those that meet a condition with one argument, which may be empty where the condition has none. */
    static List<Build> active(Handle handle, String condition, String argument) {
        String query = "SELECT * FROM env_builds WHERE " + ACTIVE + " AND " + condition + " ORDER BY created_at, id";
        Object[] arguments = argument.isEmpty() ? new Object[0] : new Object[] {argument};
        return handle.select(query, arguments).map((row, context) -> build(row)).list();
    }

    @Override
    public Optional<BuiltTemplate> built(UUID buildId) {
        return sql.read(handle -> handle.select(
                        "SELECT * FROM env_builds WHERE id = ? AND status_group = 'ready'", buildId.toString())
                .map((row, context) -> built(row))
                .findOne());
    }

    private static BuiltTemplate built(ResultSet row) throws SQLException {
        String user = row.getString("default_user");
        String workdir = row.getString("default_workdir");
        String context = row.getString("context");
        return new BuiltTemplate(
                Json.MAPPER.readValue(row.getString("layers"), STRINGS),
                context == null
                        ? new BuildContext(user, workdir, Map.of())
                        : Json.MAPPER.readValue(context, BuildContext.class),
                user,
                workdir,
                start(row),
                row.getString("envd_version"),
                row.getLong("size_bytes"));
    }

    private static @Nullable TemplateStart start(ResultSet row) throws SQLException {
        String json = row.getString("start_cmd");
        return json == null ? null : Json.MAPPER.readValue(json, TemplateStart.class);
    }

    @Override
    public List<UUID> unforgotten() {
        String query = """
                SELECT b.id FROM env_builds b JOIN envs e ON e.id = b.env_id
                WHERE e.deleted_at IS NOT NULL AND b.forgotten_at IS NULL
                """;
        return sql.read(handle -> handle.createQuery(query).mapTo(String.class).list()).stream()
                .map(UUID::fromString)
                .toList();
    }

    @Override
    public void forgotten(UUID buildId, Instant at) {
        changed("UPDATE env_builds SET forgotten_at = ? WHERE id = ?", at.toEpochMilli(), buildId.toString());
    }

    @Override
    public Set<String> layersInUse() {
        String query = """
                SELECT b.layers FROM env_builds b LEFT JOIN envs e ON e.id = b.env_id
                WHERE b.status_group = 'ready'
                    AND (e.deleted_at IS NULL OR b.id IN (SELECT build_id FROM sandboxes))
                """;
        Set<String> layers = new HashSet<>();
        sql.read(handle -> handle.createQuery(query).mapTo(String.class).list())
                .forEach(json -> layers.addAll(Json.MAPPER.readValue(json, STRINGS)));
        return Set.copyOf(layers);
    }

    private static Build build(ResultSet row) throws SQLException {
        String team = row.getString("team_id");
        String reason = row.getString("reason");
        return new Build(
                UUID.fromString(row.getString("id")),
                row.getString("env_id"),
                team == null ? null : UUID.fromString(team),
                BuildStatus.ofGroup(row.getString("status_group")),
                semantics(row.getString("version")),
                Json.MAPPER.readValue(row.getString("tags"), STRINGS),
                new Resources(row.getInt("vcpu"), row.getInt("ram_mb"), row.getInt("total_disk_size_mb")),
                Instant.ofEpochMilli(row.getLong("created_at")),
                moment(row, "started_at"),
                reason == null ? null : Json.MAPPER.readValue(reason, Reason.class),
                pushed(row));
    }

    private static @Nullable Pushed pushed(ResultSet row) throws SQLException {
        String dockerfile = row.getString("dockerfile");
        TemplateStart start = start(row);
        if (dockerfile == null) {
            return null;
        }
        return start == null
                ? new Pushed(dockerfile, "", "")
                : new Pushed(dockerfile, start.startCommand(), start.readyCommand());
    }

    private static @Nullable Instant moment(ResultSet row, String column) throws SQLException {
        long millis = row.getLong(column);
        return row.wasNull() ? null : Instant.ofEpochMilli(millis);
    }

    private static BuildPlan.@Nullable Semantics semantics(@Nullable String version) {
        return VERSIONS.entrySet().stream()
                .filter(entry -> entry.getValue().equals(version))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(null);
    }

    /** The version's text and the commands as the columns of a build whose image is pushed hold them. */
    static String version(BuildPlan.Semantics semantics) {
        return VERSIONS.getOrDefault(semantics, "");
    }

    static String commands(Pushed pushed) {
        return Json.MAPPER.writeValueAsString(
                new TemplateStart(pushed.startCommand(), pushed.readyCommand(), NO_CONTEXT));
    }
}

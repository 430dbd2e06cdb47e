package dev.sandlot.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;

/** Templates in SQL. */
final class SqlTemplateStore implements TemplateStore {
    private static final String BUILD = """
            SELECT b.* FROM env_build_assignments a JOIN env_builds b ON b.id = a.build_id
            WHERE a.env_id = ? AND b.status_group = 'ready'
            """;
    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {};
    private final Sql sql;

    SqlTemplateStore(Sql sql) {
        this.sql = sql;
    }

    @Override
    public Optional<Template> byAlias(String namespace, String alias) {
        return sql.read(handle -> idOf(handle, namespace, alias).flatMap(id -> template(handle, id)));
    }

    @Override
    public Optional<Template> byId(String id) {
        return sql.read(handle -> template(handle, id));
    }

    private static Optional<String> idOf(Handle handle, String namespace, String alias) {
        return handle.select("SELECT env_id FROM env_aliases WHERE namespace = ? AND alias = ?", namespace, alias)
                .mapTo(String.class)
                .findOne();
    }

    private static Optional<Template> template(Handle handle, String id) {
        List<String> aliases = handle.select(
                        "SELECT alias FROM env_aliases WHERE env_id = ? ORDER BY created_at, alias", id)
                .mapTo(String.class)
                .list();
        return handle.select("SELECT id, team_id, public FROM envs WHERE id = ?", id)
                .map((row, context) -> template(row, aliases))
                .findOne();
    }

    private static Template template(ResultSet row, List<String> aliases) throws SQLException {
        String team = row.getString("team_id");
        return new Template(
                row.getString("id"), team == null ? null : UUID.fromString(team), row.getBoolean("public"), aliases);
    }

    @Override
    public Optional<TemplateBuild> newestReadyBuild(String templateId, String tag) {
        return build(BUILD + "AND a.tag = ? ORDER BY a.position DESC LIMIT 1", templateId, tag);
    }

    @Override
    public Optional<TemplateBuild> readyBuild(String templateId, UUID buildId) {
        return build(BUILD + "AND b.id = ? LIMIT 1", templateId, buildId.toString());
    }

    private Optional<TemplateBuild> build(String query, String templateId, String argument) {
        return sql.read(handle -> handle.select(query, templateId, argument)
                .map((row, context) -> build(row))
                .findOne());
    }

    private static TemplateBuild build(ResultSet row) throws SQLException {
        return new TemplateBuild(
                UUID.fromString(row.getString("id")),
                Json.MAPPER.readValue(row.getString("layers"), STRINGS),
                new Resources(row.getInt("vcpu"), row.getInt("ram_mb"), row.getInt("total_disk_size_mb")),
                row.getString("envd_version"),
                row.getString("default_user"),
                row.getString("default_workdir"),
                row.getString("start_cmd"));
    }

    @Override
    public String register(Registration registration) {
        return sql.writeAlone(handle -> register(handle, registration));
    }

    private static String register(Handle handle, Registration registration) {
        String id = idOf(handle, registration.namespace(), registration.alias())
                .orElseGet(() -> insertTemplate(handle, registration));
        String build = registration.build().id().toString();
        insertBuild(handle, registration);
        if (!assigned(handle, id).filter(build::equals).isPresent()) {
            assign(handle, id, build);
        }
        return id;
    }

    private static Optional<String> assigned(Handle handle, String templateId) {
        return handle.select("""
                        SELECT build_id FROM env_build_assignments
                        WHERE env_id = ? AND tag = ? ORDER BY position DESC LIMIT 1
                        """, templateId, TemplateReference.DEFAULT_TAG)
                .mapTo(String.class)
                .findOne();
    }

    private static String insertTemplate(Handle handle, Registration registration) {
        String id = Template.randomId();
        handle.execute(
                "INSERT INTO envs (id, team_id, public, created_at) VALUES (?, ?, ?, ?)",
                id,
                text(registration.teamId()),
                registration.teamId() == null,
                now());
        handle.execute(
                "INSERT INTO env_aliases (namespace, alias, env_id, created_at) VALUES (?, ?, ?, ?)",
                registration.namespace(),
                registration.alias(),
                id,
                now());
        return id;
    }

    private static void insertBuild(Handle handle, Registration registration) {
        String insert = """
                INSERT INTO env_builds (id, team_id, status_group, layers, vcpu, ram_mb, total_disk_size_mb,
                    envd_version, default_user, default_workdir, start_cmd, created_at)
                VALUES (?, ?, 'ready', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
                """;
        TemplateBuild build = registration.build();
        handle.execute(
                insert,
                build.id().toString(),
                text(registration.teamId()),
                Json.MAPPER.writeValueAsString(build.layers()),
                build.resources().cpuCount(),
                build.resources().memoryMb(),
                build.resources().diskMb(),
                build.envdVersion(),
                build.defaultUser(),
                build.defaultWorkdir(),
                build.startCommand(),
                now());
    }

    private static void assign(Handle handle, String templateId, String buildId) {
        String insert = """
                INSERT INTO env_build_assignments (env_id, tag, build_id, created_at, position)
                SELECT ?, ?, ?, ?, COALESCE(MAX(position), 0) + 1
                FROM env_build_assignments WHERE env_id = ? AND tag = ?
                """;
        handle.execute(
                insert,
                templateId,
                TemplateReference.DEFAULT_TAG,
                buildId,
                now(),
                templateId,
                TemplateReference.DEFAULT_TAG);
    }

    private static @Nullable String text(@Nullable UUID id) {
        return id == null ? null : id.toString();
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}

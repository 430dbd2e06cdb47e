package dev.sandlot.control;

import dev.sandlot.protocol.TemplateStart;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
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

    static Optional<String> idOf(Handle handle, String namespace, String alias) {
        return handle.select("SELECT env_id FROM env_aliases WHERE namespace = ? AND alias = ?", namespace, alias)
                .mapTo(String.class)
                .findOne();
    }

    private static Optional<Template> template(Handle handle, String id) {
        List<String> aliases = handle.select(
                        "SELECT alias FROM env_aliases WHERE env_id = ? ORDER BY created_at, alias", id)
                .mapTo(String.class)
                .list();
        return handle.select("SELECT id, team_id, public FROM envs WHERE id = ? AND deleted_at IS NULL", id)
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

    @Override
    public List<Listing> ofTeam(UUID teamId) {
        return sql.read(handle -> SqlTemplateListing.ofTeam(handle, teamId));
    }

    @Override
    public Optional<Listing> listing(String templateId) {
        return sql.read(handle -> SqlTemplateListing.one(handle, templateId));
    }

    @Override
    public List<BuildRow> builds(String templateId) {
        String query = """
                SELECT DISTINCT b.* FROM env_builds b JOIN env_build_assignments a ON a.build_id = b.id
                WHERE a.env_id = ? ORDER BY b.created_at DESC, b.id DESC
                """;
        return sql.read(handle -> handle.select(query, templateId)
                .map((row, context) -> SqlTemplateListing.build(row))
                .list());
    }

    @Override
    public List<TagRow> tags(String templateId) {
        String query = """
                SELECT a.tag, a.build_id, a.created_at FROM env_build_assignments a
                WHERE a.env_id = ? AND a.position = (
                    SELECT MAX(position) FROM env_build_assignments WHERE env_id = a.env_id AND tag = a.tag)
                ORDER BY a.tag
                """;
        return sql.read(handle -> handle.select(query, templateId)
                .map((row, context) -> new TagRow(
                        row.getString("tag"),
                        UUID.fromString(row.getString("build_id")),
                        Instant.ofEpochMilli(row.getLong("created_at"))))
                .list());
    }

    @Override
    public void assign(String templateId, UUID buildId, Collection<String> tags) {
        sql.writeAlone(handle -> {
            tags.forEach(tag -> assign(handle, templateId, tag, buildId.toString()));
            return touch(handle, templateId);
        });
    }

    static int touch(Handle handle, String templateId) {
        return handle.execute("UPDATE envs SET updated_at = ? WHERE id = ?", now(), templateId);
    }

    @Override
    public void unassign(String templateId, Collection<String> tags) {
        sql.writeAlone(handle -> {
            tags.forEach(tag ->
                    handle.execute("DELETE FROM env_build_assignments WHERE env_id = ? AND tag = ?", templateId, tag));
            return touch(handle, templateId);
        });
    }

    @Override
    public void setPublic(String templateId, boolean isPublic) {
        sql.write(handle ->
                handle.execute("UPDATE envs SET public = ?, updated_at = ? WHERE id = ?", isPublic, now(), templateId));
    }

    @Override
    public boolean promote(String templateId) {
        return sql.writeAlone(handle -> {
            List<String> aliases = handle.select("SELECT DISTINCT alias FROM env_aliases WHERE env_id = ?", templateId)
                    .mapTo(String.class)
                    .list();
            boolean free = aliases.stream()
                    .map(alias -> idOf(handle, TemplateReference.NO_NAMESPACE, alias))
                    .allMatch(owner -> owner.isEmpty() || owner.get().equals(templateId));
            if (free) {
                aliases.forEach(alias -> insertAlias(handle, TemplateReference.NO_NAMESPACE, alias, templateId));
            }
            return free;
        });
    }

    private static void insertAlias(Handle handle, String namespace, String alias, String templateId) {
        String insert = """
                INSERT INTO env_aliases (namespace, alias, env_id, created_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (namespace, alias) DO NOTHING
                """;
        handle.execute(insert, namespace, alias, templateId, now());
    }

    @Override
    public boolean delete(String templateId) {
        return sql.writeAlone(handle -> {
            handle.execute("DELETE FROM env_aliases WHERE env_id = ?", templateId);
            return handle.execute(
                            "UPDATE envs SET deleted_at = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL",
                            now(),
                            now(),
                            templateId)
                    == 1;
        });
    }

    @Override
    public void spawned(String templateId, Instant at) {
        String update = """
                UPDATE envs SET spawn_count = spawn_count + 1,
                    last_spawned_at = CASE WHEN last_spawned_at > ? THEN last_spawned_at ELSE ? END
                WHERE id = ?
                """;
        sql.write(handle -> handle.execute(update, at.toEpochMilli(), at.toEpochMilli(), templateId));
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
                start(row.getString("start_cmd")));
    }

    private static @Nullable TemplateStart start(@Nullable String json) {
        return json == null ? null : Json.MAPPER.readValue(json, TemplateStart.class);
    }

    @Override
    public String register(Registration registration) {
        return sql.writeAlone(handle -> register(handle, registration));
    }

    private static String register(Handle handle, Registration registration) {
        String id = idOf(handle, registration.namespace(), registration.alias())
                .orElseGet(() -> insertTemplate(handle, registration));
        String build = registration.build().id().toString();
        insertBuild(handle, id, registration);
        if (!assigned(handle, id).filter(build::equals).isPresent()) {
            assign(handle, id, TemplateReference.DEFAULT_TAG, build);
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
        insertAlias(handle, registration.namespace(), registration.alias(), id);
        return id;
    }

    private static void insertBuild(Handle handle, String templateId, Registration registration) {
        String insert = """
                INSERT INTO env_builds (id, team_id, env_id, status_group, layers, vcpu, ram_mb, total_disk_size_mb,
                    envd_version, default_user, default_workdir, start_cmd, created_at)
                VALUES (?, ?, ?, 'ready', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
                """;
        TemplateBuild build = registration.build();
        handle.execute(
                insert,
                build.id().toString(),
                text(registration.teamId()),
                templateId,
                Json.MAPPER.writeValueAsString(build.layers()),
                build.resources().cpuCount(),
                build.resources().memoryMb(),
                build.resources().diskMb(),
                build.envdVersion(),
                build.defaultUser(),
                build.defaultWorkdir(),
                build.start() == null ? null : Json.MAPPER.writeValueAsString(build.start()),
                now());
    }

    static void assign(Handle handle, String templateId, String tag, String buildId) {
        String insert = """
                INSERT INTO env_build_assignments (env_id, tag, build_id, created_at, position)
                SELECT ?, ?, ?, ?, COALESCE(MAX(position), 0) + 1
                FROM env_build_assignments WHERE env_id = ? AND tag = ?
                """;
        handle.execute(insert, templateId, tag, buildId, now(), templateId, tag);
    }

    private static @Nullable String text(@Nullable UUID id) {
        return id == null ? null : id.toString();
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}

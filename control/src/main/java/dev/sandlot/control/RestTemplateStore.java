package dev.sandlot.control;

import dev.sandlot.control.Postgrest.Meeting;
import dev.sandlot.control.Postgrest.Rows;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;

/** Templates behind a REST interface. */
final class RestTemplateStore implements TemplateStore {
    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {};
    private static final int ATTEMPTS = 20;
    private final Postgrest rest;

    RestTemplateStore(Postgrest rest) {
        this.rest = rest;
    }

    @Override
    public Optional<Template> byAlias(String namespace, String alias) {
        return idOf(namespace, alias).flatMap(this::byId);
    }

    private Optional<String> idOf(String namespace, String alias) {
        Rows named = Rows.of("env_aliases").where("namespace", namespace).where("alias", alias);
        return rest.first(named.select("env_id")).map(row -> row.path("env_id").asString());
    }

    @Override
    public Optional<Template> byId(String id) {
        return rest.first(Rows.of("envs").where("id", id)).map(row -> template(row, aliases(id)));
    }

    private List<String> aliases(String id) {
        Rows named = Rows.of("env_aliases").where("env_id", id).with("order", "created_at,alias");
        return rest.get(named.select("alias")).stream()
                .map(row -> row.path("alias").asString())
                .toList();
    }

    private static Template template(JsonNode row, List<String> aliases) {
        JsonNode team = row.path("team_id");
        return new Template(
                row.path("id").asString(),
                team.isNull() ? null : UUID.fromString(team.asString()),
                row.path("public").asBoolean(),
                aliases);
    }

    private static Rows assignments(String templateId) {
        return Rows.of("env_build_assignments").where("env_id", templateId);
    }

    @Override
    public Optional<TemplateBuild> newestReadyBuild(String templateId, String tag) {
        return build(assignments(templateId).where("tag", tag).last("position"));
    }

    @Override
    public Optional<TemplateBuild> readyBuild(String templateId, UUID buildId) {
        return build(assignments(templateId).where("build_id", buildId).with("limit", "1"));
    }

    private Optional<TemplateBuild> build(Rows assigned) {
        Rows ready = assigned.select("env_builds!inner(*)").where("env_builds.status_group", "ready");
        return rest.first(ready).map(row -> build(row.path("env_builds")));
    }

    private static TemplateBuild build(JsonNode row) {
        JsonNode start = row.path("start_cmd");
        return new TemplateBuild(
                UUID.fromString(row.path("id").asString()),
                Json.MAPPER.readValue(row.path("layers").asString(), STRINGS),
                resources(row),
                row.path("envd_version").asString(),
                row.path("default_user").asString(),
                row.path("default_workdir").asString(),
                start.isNull() ? null : start.asString());
    }

    static Resources resources(JsonNode row) {
        return new Resources(
                row.path("vcpu").asInt(),
                row.path("ram_mb").asInt(),
                row.path("total_disk_size_mb").asInt());
    }

    @Override
    public String register(Registration registration) {
        String id = idOf(registration.namespace(), registration.alias()).orElseGet(() -> make(registration));
        rest.insert("env_builds", "id", Meeting.KEEP_OLD, row(registration));
        assign(id, registration.build().id().toString());
        return id;
    }

    /** Makes a template and claims its alias; who comes second takes the template of who came first. */
    private String make(Registration registration) {
        String id = Template.randomId();
        Map<String, @Nullable Object> template = new HashMap<>();
        template.put("id", id);
        template.put("team_id", text(registration.teamId()));
        template.put("public", registration.teamId() == null);
        template.put("created_at", now());
        rest.insert("envs", "id", Meeting.KEEP_OLD, template);
        Map<String, Object> alias = Map.of(
                "namespace", registration.namespace(),
                "alias", registration.alias(),
                "env_id", id,
                "created_at", now());
        if (rest.insert("env_aliases", "namespace,alias", Meeting.KEEP_OLD, alias)) {
            return id;
        }
        rest.delete(Rows.of("envs").where("id", id));
        return idOf(registration.namespace(), registration.alias()).orElseThrow();
    }

    /** Takes the next position of the tag; when another took it first, looks again. */
    private void assign(String templateId, String buildId) {
        for (int tried = 1; tried <= ATTEMPTS; tried++) {
            Optional<JsonNode> last = rest.first(assignments(templateId)
                    .where("tag", TemplateReference.DEFAULT_TAG)
                    .last("position"));
            if (last.filter(row -> row.path("build_id").asString().equals(buildId))
                            .isPresent()
                    || hasAssigned(
                            templateId,
                            buildId,
                            1 + last.map(row -> row.path("position").asLong()).orElse(0L))) {
                return;
            }
        }
        throw new StoreException("could not assign build " + buildId + ": others were first " + ATTEMPTS + " times");
    }

    private boolean hasAssigned(String templateId, String buildId, long position) {
        Map<String, Object> row = Map.of(
                "env_id", templateId,
                "tag", TemplateReference.DEFAULT_TAG,
                "position", position,
                "build_id", buildId,
                "created_at", now());
        return rest.insert("env_build_assignments", "env_id,tag,position", Meeting.KEEP_OLD, row);
    }

    private static Map<String, @Nullable Object> row(Registration registration) {
        TemplateBuild build = registration.build();
        Map<String, @Nullable Object> row = new HashMap<>();
        row.put("id", build.id().toString());
        row.put("team_id", text(registration.teamId()));
        row.put("status_group", "ready");
        row.put("layers", Json.MAPPER.writeValueAsString(build.layers()));
        row.put("vcpu", build.resources().cpuCount());
        row.put("ram_mb", build.resources().memoryMb());
        row.put("total_disk_size_mb", build.resources().diskMb());
        row.put("envd_version", build.envdVersion());
        row.put("default_user", build.defaultUser());
        row.put("default_workdir", build.defaultWorkdir());
        row.put("start_cmd", build.startCommand());
        row.put("created_at", now());
        return row;
    }

    private static @Nullable String text(@Nullable UUID id) {
        return id == null ? null : id.toString();
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}

package dev.sandlot.control;

import dev.sandlot.control.BuildStore.Build;
import dev.sandlot.control.BuildStore.Outcome;
import dev.sandlot.control.BuildStore.Pushed;
import dev.sandlot.control.BuildStore.Reason;
import dev.sandlot.control.BuildStore.Request;
import dev.sandlot.control.BuildStore.Target;
import dev.sandlot.control.TemplateStore.Name;
import dev.sandlot.protocol.BuildPlan;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** One request for a build, in a transaction of its own: all checks come first, then all changes. */
final class SqlBuildRequest {
    private static final Duration COUNTED = Duration.ofDays(1);

    private final Handle handle;
    private final Request request;
    private final Instant now;

    SqlBuildRequest(Handle handle, Request request, Instant now) {
        this.handle = handle;
        this.request = request;
        this.now = now;
    }

    /** Where the build belongs; no ID for a template that is yet to be made. */
    private record Place(Optional<String> templateId, Optional<Target.Named> name) {}

    /** A place or a refusal. */
    private record Found(@Nullable Place place, @Nullable Outcome refusal) {
        static Found at(Place place) {
            return new Found(place, null);
        }

        static Found refused(Outcome refusal) {
            return new Found(null, refusal);
        }
    }

    Outcome carryOut(Reason superseded) {
        Found found = find();
        Place place = found.place();
        if (place == null) {
            return found.refusal() == null ? new Outcome.NoTemplate() : found.refusal();
        }
        if (others(place) >= request.limit()) {
            return new Outcome.TooMany();
        }
        String templateId = place.templateId().orElseGet(this::insertTemplate);
        place.name().ifPresent(name -> rename(templateId, name));
        supersede(templateId, superseded);
        insertBuild(templateId);
        SqlTemplateStore.touch(handle, templateId);
        return waiting(templateId);
    }

    private Found find() {
        return switch (request.target()) {
            case Target.Unnamed() -> Found.at(new Place(Optional.empty(), Optional.empty()));
            case Target.Named name -> named(name);
            case Target.Existing(String id, Target.Named name) -> existing(id, name);
        };
    }

    private Found named(Target.Named name) {
        Optional<String> own = SqlTemplateStore.idOf(handle, name.namespace(), name.alias());
        if (own.isPresent()) {
            return Found.at(new Place(own, Optional.empty()));
        }
        if (isId(name.alias())) {
            return Found.refused(new Outcome.NameIsId());
        }
        Optional<String> promoted = SqlTemplateStore.idOf(handle, TemplateReference.NO_NAMESPACE, name.alias());
        if (promoted.isEmpty()) {
            return Found.at(new Place(Optional.empty(), Optional.of(name)));
        }
        return isOwn(promoted.get())
                ? Found.at(new Place(promoted, Optional.empty()))
                : Found.refused(new Outcome.NameTaken());
    }

    private Found existing(String id, Target.@Nullable Named name) {
        if (!isOwn(id)) {
            return Found.refused(new Outcome.NoTemplate());
        }
        if (name == null) {
            return Found.at(new Place(Optional.of(id), Optional.empty()));
        }
        Found wanted = named(name);
        Place place = wanted.place();
        if (place == null) {
            return wanted;
        }
        if (place.templateId().filter(owner -> !owner.equals(id)).isPresent()) {
            return Found.refused(new Outcome.NameTaken());
        }
        return Found.at(new Place(Optional.of(id), place.name()));
    }

    private boolean isId(String text) {
        return handle.select("SELECT id FROM envs WHERE id = ?", text)
                .mapTo(String.class)
                .findOne()
                .isPresent();
    }

    private boolean isOwn(String templateId) {
        return handle.select(
                        "SELECT id FROM envs WHERE id = ? AND team_id = ? AND deleted_at IS NULL AND source = 'template'",
                        templateId,
                        request.teamId().toString())
                .mapTo(String.class)
                .findOne()
                .isPresent();
    }

    /** The builds of the team that count against its limit: not those that this one takes the place of. */
    private long others(Place place) {
        return SqlBuildStore.active(handle, "team_id = ?", request.teamId().toString()).stream()
                .filter(build -> build.createdAt().isAfter(now.minus(COUNTED)))
                .filter(build -> !isSame(build, place))
                .count();
    }

    private boolean isSame(Build build, Place place) {
        return place.templateId().filter(build.templateId()::equals).isPresent() && build.sharesTag(request.tags());
    }

    private String insertTemplate() {
        String id = Template.randomId();
        handle.execute(
                "INSERT INTO envs (id, team_id, public, created_by, created_at) VALUES (?, ?, ?, ?, ?)",
                id,
                request.teamId().toString(),
                false,
                text(request.person()),
                now.toEpochMilli());
        return id;
    }

    /** A template has one name: a new one takes the place of the others. */
    private void rename(String templateId, Target.Named name) {
        handle.execute("DELETE FROM env_aliases WHERE env_id = ?", templateId);
        handle.execute(
                "INSERT INTO env_aliases (namespace, alias, env_id, created_at) VALUES (?, ?, ?, ?)",
                name.namespace(),
                name.alias(),
                templateId,
                now.toEpochMilli());
    }

    private void supersede(String templateId, Reason reason) {
        SqlBuildStore.active(handle, "env_id = ?", templateId).stream()
                .filter(build -> build.status() == BuildStatus.WAITING && build.sharesTag(request.tags()))
                .forEach(build -> SqlBuildStore.fail(handle, build.id().toString(), reason, now));
    }

    private void insertBuild(String templateId) {
        String insert = """
                INSERT INTO env_builds (id, team_id, env_id, status_group, layers, vcpu, ram_mb, total_disk_size_mb,
                    envd_version, default_user, default_workdir, tags, version, dockerfile, start_cmd, created_at,
                    updated_at)
                VALUES (?, ?, ?, 'pending', '[]', ?, ?, ?, '', '', '', ?, ?, ?, ?, ?, ?)
                """;
        Pushed pushed = request.pushed();
        handle.execute(
                insert,
                request.buildId().toString(),
                request.teamId().toString(),
                templateId,
                request.resources().cpuCount(),
                request.resources().memoryMb(),
                request.resources().diskMb(),
                Json.MAPPER.writeValueAsString(request.tags()),
                pushed == null ? null : SqlBuildStore.version(BuildPlan.Semantics.V1_0),
                pushed == null ? null : pushed.dockerfile(),
                pushed == null ? null : SqlBuildStore.commands(pushed),
                now.toEpochMilli(),
                now.toEpochMilli());
        request.tags()
                .forEach(tag -> SqlTemplateStore.assign(
                        handle, templateId, tag, request.buildId().toString()));
    }

    private Outcome waiting(String templateId) {
        List<Name> names = handle.select(
                        "SELECT namespace, alias FROM env_aliases WHERE env_id = ? ORDER BY created_at, alias",
                        templateId)
                .map((row, context) -> new Name(row.getString("namespace"), row.getString("alias")))
                .list();
        boolean isPublic = handle.select("SELECT public FROM envs WHERE id = ?", templateId)
                .mapTo(Boolean.class)
                .one();
        return new Outcome.Waiting(templateId, isPublic, names);
    }

    private static @Nullable String text(@Nullable UUID id) {
        return id == null ? null : id.toString();
    }
}

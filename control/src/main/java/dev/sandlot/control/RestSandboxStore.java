package dev.sandlot.control;

import dev.sandlot.control.Postgrest.Meeting;
import dev.sandlot.control.Postgrest.Rows;
import dev.sandlot.protocol.SandboxId;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;

/** The runs of sandboxes behind a REST interface. */
final class RestSandboxStore implements SandboxStore {
    private static final TypeReference<LinkedHashMap<String, String>> STRING_MAP = new TypeReference<>() {};
    private final Postgrest rest;

    RestSandboxStore(Postgrest rest) {
        this.rest = rest;
    }

    @Override
    public void begin(SandboxRecord starting) {
        try {
            rest.insert("sandboxes", row(starting));
        } catch (Postgrest.Conflict e) {
            throw new StoreException("there is a sandbox " + starting.id() + " already", e);
        }
    }

    private static Rows run(SandboxId id, UUID executionId) {
        return Rows.of("sandboxes").where("id", id.value()).where("execution_id", executionId);
    }

    @Override
    public boolean started(SandboxRecord running) {
        Rows intent = run(running.id(), running.executionId()).where("state", SandboxState.STARTING.text());
        Map<String, Object> values = Map.of(
                "state", SandboxState.RUNNING.text(),
                "started_at", running.startedAt().toEpochMilli(),
                "end_at", running.endAt().toEpochMilli());
        return rest.update(intent, values).size() == 1;
    }

    @Override
    public boolean abandon(SandboxId id, UUID executionId) {
        Rows intent = run(id, executionId).where("state", SandboxState.STARTING.text());
        return rest.delete(intent).size() == 1;
    }

    @Override
    public boolean moveEnd(SandboxId id, UUID executionId, Instant endAt) {
        Rows running = run(id, executionId).where("state", SandboxState.RUNNING.text());
        return rest.update(running, Map.of("end_at", endAt.toEpochMilli())).size() == 1;
    }

    /** The record comes first: cut between the two, the run is still there and is ended again. */
    @Override
    public boolean end(SandboxId id, UUID executionId, KillReason reason, Instant at) {
        Optional<JsonNode> found = rest.first(run(id, executionId).select("team_id"));
        if (found.isEmpty()) {
            return false;
        }
        Map<String, Object> ending = Map.of(
                "execution_id", executionId.toString(),
                "sandbox_id", id.value(),
                "team_id", found.get().path("team_id").asString(),
                "reason", reason.text(),
                "ended_at", at.toEpochMilli());
        rest.insert("sandbox_endings", "execution_id", Meeting.KEEP_OLD, ending);
        return rest.delete(run(id, executionId)).size() == 1;
    }

    @Override
    public List<SandboxRecord> all() {
        return rest.all("sandboxes", "id").stream()
                .map(RestSandboxStore::sandbox)
                .toList();
    }

    @Override
    public Optional<Ending> ending(SandboxId id) {
        return rest.first(Rows.of("sandbox_endings")
                        .where("sandbox_id", id.value())
                        .last("ended_at"))
                .map(RestSandboxStore::ending);
    }

    @Override
    public int forgetEndings(Instant before) {
        return rest.delete(Rows.of("sandbox_endings")
                        .with("ended_at", "lt." + before.toEpochMilli())
                        .select("execution_id"))
                .size();
    }

    private static Map<String, @Nullable Object> row(SandboxRecord sandbox) {
        Map<String, @Nullable Object> row = new HashMap<>();
        row.put("id", sandbox.id().value());
        row.put("execution_id", sandbox.executionId().toString());
        row.put("team_id", sandbox.teamId().toString());
        row.put("state", sandbox.state().text());
        row.put("env_id", sandbox.origin().templateId());
        row.put("build_id", sandbox.origin().buildId().toString());
        row.put("alias", sandbox.origin().alias());
        row.put("envd_version", sandbox.origin().envdVersion());
        row.put("vcpu", sandbox.resources().cpuCount());
        row.put("ram_mb", sandbox.resources().memoryMb());
        row.put("total_disk_size_mb", sandbox.resources().diskMb());
        row.put("allow_internet_access", sandbox.options().allowInternetAccess());
        Map<String, String> metadata = sandbox.options().metadata();
        row.put("metadata", metadata == null ? null : Json.MAPPER.writeValueAsString(metadata));
        row.put("started_at", sandbox.startedAt().toEpochMilli());
        row.put("end_at", sandbox.endAt().toEpochMilli());
        return row;
    }

    private static SandboxRecord sandbox(JsonNode row) {
        return new SandboxRecord(
                new SandboxId(row.path("id").asString()),
                UUID.fromString(row.path("execution_id").asString()),
                UUID.fromString(row.path("team_id").asString()),
                new SandboxRecord.Origin(
                        row.path("env_id").asString(),
                        UUID.fromString(row.path("build_id").asString()),
                        row.path("alias").asString(),
                        row.path("envd_version").asString()),
                RestTemplateStore.resources(row),
                options(row),
                SandboxState.of(row.path("state").asString()),
                Instant.ofEpochMilli(row.path("started_at").asLong()),
                Instant.ofEpochMilli(row.path("end_at").asLong()));
    }

    private static SandboxRecord.Options options(JsonNode row) {
        JsonNode internet = row.path("allow_internet_access");
        JsonNode metadata = row.path("metadata");
        return new SandboxRecord.Options(
                internet.isNull() ? null : internet.asBoolean(),
                metadata.isNull() ? null : Json.MAPPER.readValue(metadata.asString(), STRING_MAP));
    }

    private static Ending ending(JsonNode row) {
        return new Ending(
                new SandboxId(row.path("sandbox_id").asString()),
                UUID.fromString(row.path("execution_id").asString()),
                UUID.fromString(row.path("team_id").asString()),
                KillReason.of(row.path("reason").asString()),
                Instant.ofEpochMilli(row.path("ended_at").asLong()));
    }
}

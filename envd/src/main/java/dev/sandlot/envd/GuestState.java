package dev.sandlot.envd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code /init} set, in a file that only root may read: an envd that is started again under the same supervisor
 * asks for the same token as before. A new supervisor is a new guest, which begins without; its socket tells them
 * apart.
 */
final class GuestState {
    private final Path file;
    private final String guest;

    /** @param supervisorSocket made anew by each supervisor */
    GuestState(Path file, Path supervisorSocket) throws IOException {
        this.file = file;
        Map<String, Object> identity = Files.readAttributes(supervisorSocket, "unix:ino,ctime");
        this.guest = identity.get("ino") + " " + identity.get("ctime");
    }

    /** The state of this guest; empty when nothing was kept yet. */
    Optional<EnvdSettings.State> load() throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode json = new JsonMapper().readTree(Files.readAllBytes(file));
            return json.path("guest").asString("").equals(guest) ? Optional.of(state(json)) : Optional.empty();
        } catch (JacksonException e) {
            throw new IOException("could not read the settings in " + file, e);
        }
    }

    /** Keeps a state; it is there whole or not at all. */
    void save(EnvdSettings.State state) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("guest", guest);
        put(json.putObject("internal"), state.internal());
        put(json.putObject("envVars"), state.envVars());
        json.put("token", state.token()).put("user", state.user()).put("workdir", state.workdir());
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.write(fresh, Json.bytes(json));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("could not keep the settings in " + file, e);
        }
    }

    private static EnvdSettings.State state(JsonNode json) {
        JsonNode token = json.path("token");
        return new EnvdSettings.State(
                map(json.path("internal")),
                map(json.path("envVars")),
                token.isString() ? token.stringValue() : null,
                json.path("user").asString(""),
                json.path("workdir").asString(""));
    }

    private static void put(ObjectNode into, Map<String, String> values) {
        values.forEach(into::put);
    }

    private static Map<String, String> map(JsonNode json) {
        Map<String, String> values = new HashMap<>();
        json.properties()
                .forEach(entry -> values.put(entry.getKey(), entry.getValue().asString("")));
        return values;
    }
}

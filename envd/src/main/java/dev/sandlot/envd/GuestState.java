package dev.sandlot.envd;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
            JsonObject json = object(JsonText.parse(Files.readAllBytes(file)));
            return guest.equals(text(json.get("guest"))) ? Optional.of(state(json)) : Optional.empty();
        } catch (JsonText.Malformed e) {
            throw new IOException("could not read the settings in " + file, e);
        }
    }

    /** Keeps a state; it is there whole or not at all. */
    void save(EnvdSettings.State state) {
        JsonObject json = new JsonObject();
        json.addProperty("guest", guest);
        json.add("internal", Json.object(state.internal()));
        json.add("envVars", Json.object(state.envVars()));
        json.addProperty("token", state.token());
        json.addProperty("user", state.user());
        json.addProperty("workdir", state.workdir());
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.write(fresh, JsonText.bytes(json));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("could not keep the settings in " + file, e);
        }
    }

    private static EnvdSettings.State state(JsonObject json) {
        return new EnvdSettings.State(
                map(json.get("internal")),
                map(json.get("envVars")),
                text(json.get("token")),
                Objects.requireNonNullElse(text(json.get("user")), ""),
                Objects.requireNonNullElse(text(json.get("workdir")), ""));
    }

    private static @Nullable String text(@Nullable JsonElement value) {
        return value instanceof JsonPrimitive primitive ? primitive.getAsString() : null;
    }

    private static JsonObject object(@Nullable JsonElement value) {
        return value instanceof JsonObject object ? object : new JsonObject();
    }

    private static Map<String, String> map(@Nullable JsonElement json) {
        Map<String, String> values = new HashMap<>();
        object(json)
                .entrySet()
                .forEach(entry -> values.put(entry.getKey(), entry.getValue().getAsString()));
        return values;
    }
}

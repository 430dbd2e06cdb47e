package dev.sandlot.envd;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code POST /files/compose}: makes one file of several, which then go (envd.md 4.6). */
final class Composition {
    private static final Logger LOG = LoggerFactory.getLogger(Composition.class);
    private static final int MAX_REQUEST = 1 << 20;
    private static final int CHUNK = 256 * 1024;

    private final RestCallers callers;
    private final SandboxFiles files;
    private final BodyBudget.Lease memory;

    Composition(RestCallers callers, SandboxFiles files, BodyBudget.Lease memory) {
        this.callers = callers;
        this.files = files;
        this.memory = memory;
    }

    private record Request(List<String> sources, String destination, Optional<String> user) {}

    /** Composes as the request says and gives the answer. */
    byte[] compose(Exchange exchange) throws RestException, IOException {
        Request request = read(exchange);
        Account owner = callers.account(request.user);
        String destination = callers.resolve(request.destination, owner);
        List<String> sources = new ArrayList<>();
        for (String source : request.sources) {
            sources.add(distinct(callers.resolve(source, owner), destination));
        }
        for (String source : sources) {
            requireRegular(source);
        }
        compose(sources, destination, owner);
        sources.forEach(this::discard);
        return StoredFiles.json(destination);
    }

    private Request read(Exchange exchange) throws RestException, IOException {
        byte[] body = body(exchange);
        if (body.length > MAX_REQUEST) {
            throw new RestException(400, "the request is larger than " + MAX_REQUEST + " bytes");
        }
        try {
            return read(JsonText.parse(body));
        } catch (JsonText.Malformed e) {
            throw new RestException(400, "the request is not valid JSON: " + e.getMessage(), e);
        }
    }

    private byte[] body(Exchange exchange) throws RestException, IOException {
        try {
            return memory.read(exchange.requestBody(), MAX_REQUEST + 1);
        } catch (BodyBudget.Exceeded e) {
            throw new RestException(e.kind().httpStatus(), e.text(), e);
        }
    }

    private static Request read(JsonElement tree) throws RestException {
        JsonObject body = tree instanceof JsonObject object ? object : new JsonObject();
        List<String> sources = new ArrayList<>();
        if (body.get("source_paths") instanceof JsonArray paths) {
            for (JsonElement source : paths) {
                sources.add(text(source, "source_paths"));
            }
        }
        if (sources.isEmpty()) {
            throw new RestException(400, "source_paths must not be empty");
        }
        String destination = text(body.get("destination"), "destination");
        if (destination.isEmpty()) {
            throw new RestException(400, "destination must not be empty");
        }
        return new Request(sources, destination, Optional.of(text(body.get("username"), "username")));
    }

    private static String text(@Nullable JsonElement value, String name) throws RestException {
        if (value == null || value.isJsonNull()) {
            return "";
        }
        if (value instanceof JsonPrimitive primitive && primitive.isString()) {
            return primitive.getAsString();
        }
        throw new RestException(400, name + " must be text");
    }

    private static String distinct(String source, String destination) throws RestException {
        if (PathRules.clean(source).equals(PathRules.clean(destination))) {
            throw new RestException(400, "source and destination are the same: " + source);
        }
        return source;
    }

    private void requireRegular(String source) throws RestException {
        try (Fd handle = files.handle(source)) {
            if (!files.status(handle).isRegular()) {
                throw new RestException(400, "source is not a regular file: " + source);
            }
        } catch (LinuxException e) {
            throw e.is(Errno.ENOENT)
                    ? new RestException(404, "source '" + source + "' does not exist", e)
                    : new RestException(500, "error reading source: " + e.getMessage(), e);
        }
    }

    private void compose(List<String> sources, String destination, Account owner) throws RestException {
        String temporary = destination + ".e2b-compose." + UUID.randomUUID() + ".tmp";
        try {
            files.makeDirectories(PathRules.parent(destination), owner);
            concatenate(sources, temporary, owner);
            files.rename(temporary, destination);
        } catch (LinuxException e) {
            discard(temporary);
            throw FileStore.isFull(e)
                    ? new RestException(507, "not enough disk space available", e)
                    : new RestException(500, "error composing file: " + e.getMessage(), e);
        }
    }

    private void concatenate(List<String> sources, String target, Account owner) throws LinuxException {
        SandboxFile created =
                files.create(target).orElseThrow(() -> new LinuxException("openat2", target, Errno.EEXIST.number()));
        try (SandboxFile out = created) {
            byte[] buffer = new byte[CHUNK];
            for (String source : sources) {
                append(source, out, buffer);
            }
            files.adopt(out, owner);
        }
    }

    private void append(String source, SandboxFile out, byte[] buffer) throws LinuxException {
        try (Fd handle = files.handle(source);
                SandboxFile in = files.read(handle)) {
            for (int count = in.fill(buffer); count > 0; count = in.fill(buffer)) {
                out.write(buffer, count);
            }
        }
    }

    private void discard(String path) {
        try {
            files.unlink(path);
        } catch (LinuxException e) {
            LOG.debug("left behind after composing: {}", e.getMessage());
        }
    }
}

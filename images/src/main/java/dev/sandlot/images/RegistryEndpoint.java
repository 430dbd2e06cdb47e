package dev.sandlot.images;

import dev.sandlot.images.RegistryGuard.Act;
import dev.sandlot.images.RegistryGuard.Grant;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * The door of the image registry: the OCI distribution protocol, version 1.1, and the token rules of
 * template-build.md 17.2. Asks the guard, then hands the request on. Errors have the protocol's own JSON.
 */
public final class RegistryEndpoint implements ExchangeHandler {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryEndpoint.class);
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final RegistryGuard guard;
    private final RegistryBackend backend;

    private RegistryEndpoint(RegistryGuard guard, RegistryBackend backend) {
        this.guard = guard;
        this.backend = backend;
    }

    /** The registry of this machine's own content. */
    public static RegistryEndpoint of(ContentStore store, RegistryGuard guard) {
        return new RegistryEndpoint(guard, new LocalRegistry(store));
    }

    /** The same door in front of a registry of the operator's. */
    public static RegistryEndpoint before(UpstreamRegistry upstream, RegistryGuard guard) {
        return new RegistryEndpoint(guard, upstream);
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        exchange.responseHeaders().set("Docker-Distribution-Api-Version", "registry/2.0");
        try {
            route(exchange, RegistryPath.parse(exchange.rawPath()));
        } catch (RegistryException e) {
            refuse(exchange, e);
        } catch (FileSystemException | DamagedContentException e) {
            LOG.error("the registry could not answer {} {}", exchange.method(), exchange.rawPath(), e);
            refuse(exchange, internal(e));
        }
    }

    private static RegistryException internal(IOException e) {
        boolean full = String.valueOf(e.getMessage()).contains("No space left");
        return full
                ? new RegistryException(RegistryError.NO_SPACE, "the registry's disk is full")
                : new RegistryException(RegistryError.UNKNOWN, "the registry could not read or write its files");
    }

    private void route(Exchange exchange, RegistryPath path) throws IOException, RegistryException {
        switch (path) {
            case RegistryPath.Health() -> exchange.send(200, new byte[0]);
            case RegistryPath.Token() -> token(exchange);
            case RegistryPath.Base() -> base(exchange);
            case RegistryPath.InRepository inside -> inRepository(exchange, inside);
        }
    }

    private void token(Exchange exchange) throws IOException, RegistryException {
        if (!exchange.method().equals("GET")) {
            throw new RegistryException(RegistryError.NOT_SERVED, "tokens are given to GET");
        }
        if (!exchange.requestHeaders().has("Authorization")) {
            throw unauthorized(exchange, "");
        }
        guard.issue(exchange);
    }

    private void base(Exchange exchange) throws IOException, RegistryException {
        if (guard.grant(exchange).isEmpty()) {
            throw unauthorized(exchange, "");
        }
        requireMethod(exchange, List.of("GET", "HEAD"));
        json(exchange, 200, Map.of());
    }

    private void inRepository(Exchange exchange, RegistryPath.InRepository path) throws IOException, RegistryException {
        Act act = act(exchange.method(), path);
        String scope = "repository:" + path.repository() + ":" + actions(act);
        Optional<Grant> grant = guard.grant(exchange);
        if (grant.isEmpty()) {
            throw unauthorized(exchange, scope);
        }
        if (!grant.get().allows(path.repository(), act)) {
            if (grant.get().isRenewable()) {
                throw unauthorized(exchange, scope);
            }
            throw new RegistryException(RegistryError.DENIED, "access to this repository is denied");
        }
        backend.serve(exchange, path, grant.get());
    }

    private static Act act(String method, RegistryPath.InRepository path) {
        boolean upload = path instanceof RegistryPath.Uploads || path instanceof RegistryPath.Upload;
        return switch (method) {
            case "GET", "HEAD" -> upload ? Act.PUSH : Act.PULL;
            case "DELETE" -> upload ? Act.PUSH : Act.DELETE;
            default -> Act.PUSH;
        };
    }

    private static String actions(Act act) {
        return switch (act) {
            case PULL -> "pull";
            case PUSH -> "pull,push";
            case DELETE -> "delete";
        };
    }

    private RegistryException unauthorized(Exchange exchange, String scope) {
        exchange.responseHeaders().set("Www-Authenticate", guard.challenge(exchange, scope));
        return new RegistryException(RegistryError.UNAUTHORIZED, "authentication required");
    }

    static void requireMethod(Exchange exchange, List<String> allowed) throws RegistryException {
        if (!allowed.contains(exchange.method())) {
            exchange.responseHeaders().set("Allow", String.join(", ", allowed));
            throw new RegistryException(RegistryError.UNSUPPORTED, exchange.method() + " is not served here");
        }
    }

    static void json(Exchange exchange, int status, Object body) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json; charset=utf-8");
        exchange.send(status, JSON.writeValueAsBytes(body));
    }

    private static void refuse(Exchange exchange, RegistryException e) throws IOException {
        if (exchange.started()) {
            throw new IOException(e);
        }
        exchange.responseHeaders().remove("Content-Length");
        json(
                exchange,
                e.error().status(),
                Map.of("errors", List.of(Map.of("code", e.error().code(), "message", e.text()))));
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.ConnectErrors;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectRouter;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/** Leads a request past the checks to who answers it: CORS, access token, acting user, path (envd.md 1). */
final class Dispatcher {
    private static final String UNAUTHORIZED =
            "unauthorized access, please provide a valid access token or method signing if supported";

    private final EnvdSettings settings;
    private final ActingUser actingUser;
    private final ConnectRouter router;
    private final FileCalls calls;
    /** By path, then by method. */
    private final Map<String, TreeMap<String, ExchangeHandler>> endpoints;

    Dispatcher(
            EnvdSettings settings,
            ActingUser actingUser,
            ConnectRouter router,
            Map<String, Map<String, ExchangeHandler>> endpoints,
            FileCalls calls) {
        this.calls = calls;
        this.settings = settings;
        this.actingUser = actingUser;
        this.router = router;
        this.endpoints = new TreeMap<>();
        endpoints.forEach((path, methods) -> this.endpoints.put(path, new TreeMap<>(methods)));
    }

    void dispatch(Exchange exchange) throws IOException {
        if (Cors.handled(exchange)) {
            return;
        }
        if (!AccessToken.admits(settings, exchange)) {
            RestErrors.send(exchange, 401, UNAUTHORIZED);
            return;
        }
        try {
            actingUser.check(exchange.requestHeaders());
        } catch (ConnectException e) {
            ConnectErrors.refuse(exchange, e);
            return;
        }
        route(exchange);
    }

    private void route(Exchange exchange) throws IOException {
        String path = exchange.rawPath();
        if (router.knows(path)) {
            boolean files = path.startsWith(FilesystemMethods.PREFIX) && !path.equals(FilesystemMethods.WATCH);
            (files ? calls.serving(router::serve) : (ExchangeHandler) router::serve).handle(exchange);
            return;
        }
        TreeMap<String, ExchangeHandler> methods = endpoints.get(path);
        if (methods == null) {
            RestErrors.sendText(exchange, 404, "404 page not found");
            return;
        }
        ExchangeHandler handler = methods.get(exchange.method());
        if (handler == null) {
            exchange.responseHeaders().set("Allow", String.join(", ", methods.keySet()));
            exchange.send(405, new byte[0]);
            return;
        }
        handler.handle(exchange);
    }
}

package dev.sandlot.edge;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.SandboxTraffic;
import dev.sandlot.protocol.TrafficAnswer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Hands each request to the API, the registry or the sandbox it means, or says why it goes nowhere. */
final class Routing {
    private final ExchangeHandler api;
    private final SandboxTraffic sandboxes;
    private final ExchangeHandler registry;

    Routing(ExchangeHandler api, ExchangeHandler registry, SandboxTraffic sandboxes) {
        this.api = api;
        this.registry = registry;
        this.sandboxes = sandboxes;
    }

    void route(FrontListener.Kind kind, Exchange exchange) throws IOException {
        if (exchange.method().equals("CONNECT")) {
            error(exchange, 501, "CONNECT is not served here");
            return;
        }
        if (kind == FrontListener.Kind.REGISTRY) {
            registry.handle(exchange);
            return;
        }
        switch (SandboxAddress.find(kind, exchange.authority(), exchange.requestHeaders())) {
            case Destination.Api() -> (RegistryPaths.match(exchange.rawPath()) ? registry : api).handle(exchange);
            case Destination.Sandbox sandbox -> toSandbox(sandbox, exchange);
            case Destination.Refused(String reason) -> answer(exchange, 400, reason);
        }
    }

    private void toSandbox(Destination.Sandbox sandbox, Exchange exchange) throws IOException {
        Optional<String> reserved =
                sandbox.port() == FrontListener.ENVD_PORT ? ReservedPaths.match(exchange.rawPath()) : Optional.empty();
        if (reserved.isPresent()) {
            TrafficAnswer.reservedPath(reserved.get()).send(exchange);
        } else {
            sandboxes.serve(sandbox.id(), sandbox.port(), exchange);
        }
    }

    private static void answer(Exchange exchange, int status, String text) throws IOException {
        exchange.responseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.send(status, (text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static void internalError(Exchange exchange) throws IOException {
        error(exchange, 500, "Internal server error");
    }

    /** In the form of the API's errors; the message needs no escapes. */
    private static void error(Exchange exchange, int status, String message) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json; charset=utf-8");
        exchange.send(
                status,
                "{\"code\":%d,\"message\":\"%s\"}".formatted(status, message).getBytes(StandardCharsets.UTF_8));
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.Headers;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The front of the REST API: carries each request through the order of public-api.md 1.1 and turns every failure
 * into the error body of 1.2. The request ID stands in the answer and in every line logged meanwhile.
 */
final class ApiHandler implements ExchangeHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ApiHandler.class);
    private static final String REQUEST_ID = "X-Request-ID";
    private static final String RETRY_SECONDS = "5";
    private static final String LOG_KEY = "request";
    private static final Pattern REQUEST_ID_GRAMMAR = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final Router router;
    private final Router gone = new Router(GoneOperations.routes());
    private final Authenticator authenticator;
    private final ApiDescription description;
    private final RateLimiter rates;
    private final RequestGuard guard;
    private final FileUploads uploads;
    private final BodyBudget bodies;

    ApiHandler(
            List<Route> routes,
            ApiDescription description,
            Authenticator authenticator,
            RateLimiter rates,
            RequestGuard guard,
            FileUploads uploads,
            BodyBudget bodies) {
        this.router = new Router(routes);
        this.description = description;
        this.authenticator = authenticator;
        this.rates = rates;
        this.guard = guard;
        this.uploads = uploads;
        this.bodies = bodies;
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        String requestId = requestId(exchange.requestHeaders());
        MDC.put(LOG_KEY, requestId);
        try {
            exchange.responseHeaders().set(REQUEST_ID, requestId);
            Cors.apply(exchange);
            send(exchange, answer(exchange));
        } finally {
            MDC.remove(LOG_KEY);
        }
    }

    private static String requestId(Headers headers) {
        return headers.first(REQUEST_ID)
                .filter(id -> REQUEST_ID_GRAMMAR.matcher(id).matches())
                .orElseGet(() -> UUID.randomUUID().toString());
    }

    private static void send(Exchange exchange, Reply reply) throws IOException {
        reply.headers().forEach(exchange.responseHeaders()::set);
        LOG.debug("{} {} from {}: {}", exchange.method(), exchange.rawPath(), exchange.remoteAddress(), reply.status());
        BuildStorage.Archive archive = reply.archive();
        if (archive == null) {
            exchange.send(reply.status(), reply.body());
        } else {
            stream(exchange, reply.status(), archive);
        }
    }

    /** An archive that cannot be finished is cut, so that nobody takes it for whole. */
    private static void stream(Exchange exchange, int status, BuildStorage.Archive archive) throws IOException {
        OutputStream out = exchange.start(status, -1);
        try {
            archive.write(out);
        } catch (IOException | RuntimeException e) {
            LOG.warn("{} {} was cut off: {}", exchange.method(), exchange.rawPath(), e.toString());
            exchange.abort();
            return;
        }
        out.close();
    }

    private Reply answer(Exchange exchange) throws IOException {
        try {
            return process(exchange);
        } catch (ApiException e) {
            if (e.kind() == ErrorKind.INTERNAL) {
                LOG.error("{} {} failed", exchange.method(), exchange.rawPath(), e);
            }
            return Reply.error(e);
        } catch (StoreAwayException e) {
            LOG.debug("{} {} waited for the store", exchange.method(), exchange.rawPath(), e);
            return Reply.error(new ApiException(ErrorKind.UNAVAILABLE, String.valueOf(e.getMessage()), e))
                    .with("Retry-After", RETRY_SECONDS);
        } catch (RuntimeException e) {
            return Reply.error(failed(exchange, e));
        }
    }

    /** A full disk is told of where it is watched, not for each request. */
    private static ApiException failed(Exchange exchange, RuntimeException failure) {
        ApiException answer = StoreTrouble.answer(failure)
                .orElseGet(() -> new ApiException(
                        ErrorKind.INTERNAL, "the server failed at this request", "internal_server_error", failure));
        if (answer.kind() == ErrorKind.UNAVAILABLE) {
            LOG.debug("{} {} found no room in the store", exchange.method(), exchange.rawPath(), failure);
        } else {
            LOG.error("{} {} failed", exchange.method(), exchange.rawPath(), failure);
        }
        return answer;
    }

    private Reply process(Exchange exchange) throws ApiException, IOException {
        if (exchange.rawPath().startsWith("/secrets")) {
            exchange.responseHeaders().set("Cache-Control", "no-store");
        }
        if (Cors.isPreflight(exchange)) {
            Cors.applyPreflight(exchange.responseHeaders());
            return Reply.empty(204);
        }
        if (FileUploads.takes(exchange)) {
            guard.checkReady();
            return uploads.answer(exchange);
        }
        Optional<Router.Match> match = router.find(exchange.method(), exchange.rawPath());
        Optional<Router.Match> removed = gone.find(exchange.method(), exchange.rawPath());
        if (match.isEmpty() && removed.isPresent()) {
            return open(exchange, removed.get());
        }
        boolean upload = match.isPresent() && match.get().route().isUpload();
        if (!upload && exchange.requestLength() > Call.BODY_LIMIT) {
            throw Call.bodyTooLarge();
        }
        if (match.isEmpty()) {
            throw notFound(exchange);
        }
        if (!upload) {
            requirePlain(exchange);
        }
        return call(exchange, match.get());
    }

    /** A body that is encoded would only be told to be no JSON. */
    private static void requirePlain(Exchange exchange) throws ApiException {
        String encoding = String.join(", ", exchange.requestHeaders().all("Content-Encoding"));
        if (exchange.requestLength() != 0
                && !encoding.isBlank()
                && !encoding.strip().equalsIgnoreCase("identity")) {
            throw new ApiException(
                    ErrorKind.UNSUPPORTED,
                    "the body has Content-Encoding " + Texts.shown(encoding)
                            + ", which is not supported; send it as it is");
        }
    }

    private Reply call(Exchange exchange, Router.Match match) throws ApiException, IOException {
        Route route = match.route();
        if (route.access() == Access.OPEN) {
            return open(exchange, match);
        }
        guard.checkReady();
        if (route.isUpload()) {
            return upload(exchange, match);
        }
        return guard.within(() -> carriedOut(exchange, match));
    }

    private Reply carriedOut(Exchange exchange, Router.Match match) throws ApiException, IOException {
        try (Call call = authenticated(exchange, match)) {
            admit(exchange, match.route(), call);
            return match.route().operation().answer(call);
        } catch (ApiException | RuntimeException e) {
            if (BrokenReference.isIn(e)) {
                authenticator.recheck(exchange.requestHeaders(), match.route().access());
            }
            throw e;
        }
    }

    private Reply open(Exchange exchange, Router.Match match) throws ApiException, IOException {
        try (Call call = new Call(exchange, match.rawParameters(), Caller.NOBODY, bodies)) {
            return match.route().operation().answer(call);
        }
    }

    /** Who sends it is found out in time; what is sent takes as long as it takes. */
    private Reply upload(Exchange exchange, Router.Match match) throws ApiException, IOException {
        AtomicReference<Call> call = new AtomicReference<>();
        Reply _ = guard.within(() -> {
            Call admitted = authenticated(exchange, match);
            try {
                admit(exchange, match.route(), admitted);
            } catch (ApiException | IOException | RuntimeException e) {
                admitted.close();
                throw e;
            }
            call.set(admitted);
            return Reply.empty(204);
        });
        try (Call admitted = Objects.requireNonNull(call.get())) {
            return match.route().operation().answer(admitted);
        }
    }

    private Call authenticated(Exchange exchange, Router.Match match) throws ApiException {
        Caller caller = authenticator.authenticate(
                exchange.requestHeaders(), match.route().access());
        return new Call(exchange, match.rawParameters(), caller, bodies);
    }

    private void admit(Exchange exchange, Route route, Call call) throws ApiException, IOException {
        if (!(route.operation() instanceof LaterOperations.Later)) {
            description.check(route, call);
        }
        Team team = call.caller().team();
        if (team != null) {
            checkRate(exchange, team, route);
            if (!route.blockedMay()) {
                team.standing().requireGood();
            }
        }
    }

    private void checkRate(Exchange exchange, Team team, Route route) throws ApiException {
        if (!rates.admit(team.id(), route, exchange.responseHeaders())) {
            throw new ApiException(ErrorKind.LIMITED, "Rate limit exceeded");
        }
    }

    private ApiException notFound(Exchange exchange) {
        String path = exchange.rawPath();
        if (isOld(path, "/instances") || isOld(path, "/envs")) {
            return new ApiException(
                    ErrorKind.NOT_FOUND, "the endpoint " + path + " is deprecated; use /sandboxes and /templates");
        }
        String cause =
                router.knows(path) || gone.knows(path) ? "method not allowed" : "no matching operation was found";
        return new ApiException(ErrorKind.NOT_FOUND, cause + ": " + exchange.method() + " " + path);
    }

    private static boolean isOld(String path, String root) {
        return path.equals(root) || path.startsWith(root + "/");
    }
}

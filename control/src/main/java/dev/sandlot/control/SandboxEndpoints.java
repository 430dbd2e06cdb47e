package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The operations on single sandboxes (public-api.md 7, 8, 9.1). */
final class SandboxEndpoints {
    private static final Duration CONNECT_TIMEOUT = Duration.ofMinutes(5);
    private static final int LEAST_REFRESH_SECONDS = 15;

    private final Lifecycle lifecycle;
    private final Templates templates;
    private final Answers answers;
    private final Idempotency idempotency;

    SandboxEndpoints(Lifecycle lifecycle, Templates templates, Answers answers, Idempotency idempotency) {
        this.lifecycle = lifecycle;
        this.templates = templates;
        this.answers = answers;
        this.idempotency = idempotency;
    }

    List<Route> routes() {
        return List.of(
                Route.change("POST", "/v2/sandboxes", this::createOnce),
                Route.change("POST", "/sandboxes", call -> create(call, ApiVersion.V1, SandboxId.random())),
                Route.harmless("GET", "/sandboxes/{sandboxID}", this::detail),
                Route.harmless("DELETE", "/sandboxes/{sandboxID}", this::kill),
                Route.change("POST", "/v2/sandboxes/{sandboxID}/connect", call -> connect(call, ApiVersion.V2)),
                Route.change("POST", "/sandboxes/{sandboxID}/connect", call -> connect(call, ApiVersion.V1)),
                Route.change("POST", "/sandboxes/{sandboxID}/timeout", this::setTimeout),
                Route.change("POST", "/sandboxes/{sandboxID}/refreshes", this::refresh));
    }

    private Reply createOnce(Call call) throws ApiException, IOException {
        return idempotency.once(call, "POST /v2/sandboxes", new Idempotency.Creation() {
            @Override
            public Reply make(SandboxId id) throws ApiException, IOException {
                return create(call, ApiVersion.V2, id);
            }

            @Override
            public Optional<Reply> made(SandboxId id) {
                return lifecycle
                        .running(id)
                        .filter(sandbox -> sandbox.teamId().equals(call.team().id()))
                        .map(SandboxEndpoints.this::created);
            }
        });
    }

    private Reply created(SandboxRecord sandbox) {
        return Reply.json(201, answers.sandbox(sandbox));
    }

    private Reply create(Call call, ApiVersion version, SandboxId id) throws ApiException, IOException {
        CreateRequest request = CreateRequest.parse(call.body(), version);
        Team team = call.team();
        Templates.Resolved from = templates.resolve(team, TemplateReference.parse(request.templateId()));
        Duration timeout = createTimeout(request, team, version);
        request.checkPauseOptions();
        EnvdVersion.checkSecurable(from.build().envdVersion());
        request.checkSupported();
        return created(lifecycle.start(
                new SandboxStart.Request(id, team, from, request.options(), request.envVars(), timeout)));
    }

    private static Duration createTimeout(CreateRequest request, Team team, ApiVersion version) throws ApiException {
        Integer seconds = request.timeoutSeconds();
        if (seconds == null) {
            return version.createTimeout();
        }
        if (seconds == 0) {
            throw new ApiException(ErrorKind.INVALID, "Timeout must be greater than 0");
        }
        return withinPlan(seconds, team);
    }

    private static Duration withinPlan(int seconds, Team team) throws ApiException {
        Duration timeout = Duration.ofSeconds(seconds);
        if (timeout.compareTo(team.limits().maxLength()) > 0) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "Timeout cannot be greater than " + team.limits().maxLengthHours() + " hours");
        }
        return timeout;
    }

    private Reply detail(Call call) throws ApiException {
        return Reply.streamed(answers.detail(lifecycle.running(call.team(), call.sandboxId())));
    }

    private Reply kill(Call call) throws ApiException {
        lifecycle.kill(call.team(), call.sandboxId());
        return Reply.empty(204);
    }

    private Reply connect(Call call, ApiVersion version) throws ApiException, IOException {
        Fields body = version == ApiVersion.V1 ? call.body() : call.optionalBody();
        int seconds = version == ApiVersion.V1
                ? body.requiredInt32("timeout", version.leastTimeout())
                : body.int32("timeout", version.leastTimeout()).orElse((int) CONNECT_TIMEOUT.toSeconds());
        body.bool("memory");
        SandboxRecord sandbox = lifecycle.connect(call.team(), call.sandboxId(), connectTimeout(seconds, call, body));
        return Reply.json(200, answers.sandbox(sandbox));
    }

    /** The default is not held against the plan (7.3). */
    private static Duration connectTimeout(int seconds, Call call, Fields body) throws ApiException {
        return body.has("timeout") ? withinPlan(seconds, call.team()) : Duration.ofSeconds(seconds);
    }

    private Reply setTimeout(Call call) throws ApiException, IOException {
        int seconds = call.body().requiredInt32("timeout", 0);
        lifecycle.setTimeout(call.team(), call.sandboxId(), Duration.ofSeconds(seconds));
        return Reply.empty(204);
    }

    private Reply refresh(Call call) throws ApiException, IOException {
        int seconds = call.optionalBody().int32("duration", 0).orElse(0);
        Duration duration = Duration.ofSeconds(Math.max(seconds, LEAST_REFRESH_SECONDS));
        lifecycle.refresh(call.team(), call.sandboxId(), duration);
        return Reply.empty(204);
    }
}

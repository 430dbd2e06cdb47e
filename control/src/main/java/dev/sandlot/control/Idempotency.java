package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries a request out once, however often its caller repeats it under one {@code Idempotency-Key} (public-api.md
 * 1.7): it is written down before and its answer after, whatever the answer is.
 */
final class Idempotency {
    private static final Logger LOG = LoggerFactory.getLogger(Idempotency.class);
    private static final String HEADER = "Idempotency-Key";
    private static final Pattern KEY = Pattern.compile("[a-z0-9-]{1,255}");

    private final OperationStore store;
    private final Duration deadline;
    private final boolean isOn;
    private final InstantSource clock;

    Idempotency(OperationStore store, ApiSettings settings, InstantSource clock) {
        this.store = store;
        this.deadline = settings.requestDeadline();
        this.isOn = settings.idempotencyKept().isPositive();
        this.clock = clock;
    }

    /** Answers as the operation does, or as it did before. */
    Reply once(Call call, String operation, Route.Operation work) throws ApiException, IOException {
        List<String> keys = call.headers(HEADER);
        if (!isOn || keys.isEmpty()) {
            return work.answer(call);
        }
        if (keys.size() > 1 || !KEY.matcher(keys.getFirst()).matches()) {
            throw new ApiException(
                    ErrorKind.INVALID, HEADER + " must be one value of 1 to 255 lower-case letters, digits and dashes");
        }
        UUID team = call.team().id();
        String key = keys.getFirst();
        Optional<OperationStore.KnownRequest> known = begin(team, key, fingerprint(call, operation));
        return known.isPresent() ? again(known.get(), call, operation) : first(call, team, key, work);
    }

    private Optional<OperationStore.KnownRequest> begin(UUID team, String key, String fingerprint) throws ApiException {
        Instant now = clock.instant();
        try {
            return store.begin(new OperationStore.KeyedRequest(team, key, fingerprint, now.plus(deadline)), now);
        } catch (RuntimeException e) {
            throw new ApiException(
                    ErrorKind.UNAVAILABLE, "the request could not be written down; repeat it with the same key", e);
        }
    }

    private static String fingerprint(Call call, String operation) throws ApiException, IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(operation.getBytes(StandardCharsets.UTF_8));
        all.write('\n');
        all.writeBytes(call.bytes());
        return HexFormat.of().formatHex(ApiKeys.sha256(all.toByteArray()));
    }

    private Reply first(Call call, UUID team, String key, Route.Operation work) throws IOException {
        Reply reply;
        try {
            reply = work.answer(call);
        } catch (ApiException e) {
            reply = Reply.error(e);
        }
        record(team, key, reply);
        return reply;
    }

    /** An answer that could not be written down is still given; repeats are then told that its outcome is unknown. */
    private void record(UUID team, String key, Reply reply) {
        String body = new String(reply.body(), StandardCharsets.UTF_8);
        try {
            store.answered(team, key, new OperationStore.KnownAnswer(reply.status(), reply.headers(), body));
        } catch (RuntimeException e) {
            LOG.error("could not write down the answer to a request with a key", e);
        }
    }

    private Reply again(OperationStore.KnownRequest known, Call call, String operation)
            throws ApiException, IOException {
        if (!known.fingerprint().equals(fingerprint(call, operation))) {
            throw refused(ErrorKind.CONFLICT, "the key was used for another request", "request_mismatch");
        }
        OperationStore.KnownAnswer answer = known.answer();
        if (answer != null) {
            return new Reply(answer.status(), answer.headers(), answer.body().getBytes(StandardCharsets.UTF_8));
        }
        throw clock.instant().isBefore(known.deadline())
                ? refused(ErrorKind.CONFLICT, "the request is still being carried out", "in_progress")
                : refused(
                        ErrorKind.UNPROCESSABLE,
                        "nobody knows how the request ended; it is not repeated",
                        "outcome_unknown");
    }

    private static ApiException refused(ErrorKind kind, String message, String code) {
        return new ApiException(kind, message, "idempotency_" + code, null);
    }
}

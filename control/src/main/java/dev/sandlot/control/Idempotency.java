package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a sandbox once, however often its caller repeats the request under one {@code Idempotency-Key} (public-api.md
 * 1.7): the request is written down before and its answer after, whatever the answer is.
 *
 * <p>The name of the sandbox follows from the request and its deadline as they stand in the books. So a repeat finds
 * the sandbox of a request that lost its answer, as when the server was killed between the two. A request that began
 * before this server and left no sandbox has no effect any more and is carried out anew. This holds while one server
 * works on a store: what another began must not be judged by the start of this one.
 */
final class Idempotency {
    private static final Logger LOG = LoggerFactory.getLogger(Idempotency.class);
    private static final String HEADER = "Idempotency-Key";
    private static final Pattern KEY = Pattern.compile("[a-z0-9-]{1,255}");

    /** A request that makes one sandbox. */
    interface Creation {
        /** Makes the sandbox under that name and answers. */
        Reply make(SandboxId id) throws ApiException, IOException;

        /** The answer that tells of the sandbox if it is there, running. */
        Optional<Reply> made(SandboxId id);
    }

    private final OperationStore store;
    private final Duration deadline;
    private final boolean isOn;
    private final AccessTokens tokens;
    private final InstantSource clock;
    private final Instant began;

    Idempotency(OperationStore store, ApiSettings settings, AccessTokens tokens, InstantSource clock) {
        this.store = store;
        this.deadline = settings.requestDeadline();
        this.isOn = settings.idempotencyKept().isPositive();
        this.tokens = tokens;
        this.clock = clock;
        this.began = clock.instant();
    }

    /** Answers as the creation does, or as it did before. */
    Reply once(Call call, String operation, Creation creation) throws ApiException, IOException {
        List<String> keys = call.headers(HEADER);
        if (!isOn || keys.isEmpty()) {
            return creation.make(SandboxId.random());
        }
        if (keys.size() > 1 || !KEY.matcher(keys.getFirst()).matches()) {
            throw new ApiException(
                    ErrorKind.INVALID, HEADER + " must be one value of 1 to 255 lower-case letters, digits and dashes");
        }
        OperationStore.KeyedRequest request = new OperationStore.KeyedRequest(
                call.team().id(), keys.getFirst(), fingerprint(call, operation), deadline());
        Optional<OperationStore.KnownRequest> known = begin(request);
        return known.isPresent() ? again(request, known.get(), creation) : first(request, creation);
    }

    /** As exact as the books keep it. */
    private Instant deadline() {
        return clock.instant().plus(deadline).truncatedTo(ChronoUnit.MILLIS);
    }

    private SandboxId sandboxOf(OperationStore.KeyedRequest request, Instant until) {
        return tokens.sandboxOf(request.teamId() + " " + request.key() + " " + until.toEpochMilli());
    }

    private Optional<OperationStore.KnownRequest> begin(OperationStore.KeyedRequest request) throws ApiException {
        try {
            return store.begin(request, clock.instant());
        } catch (RuntimeException e) {
            throw unwritable(e);
        }
    }

    private static ApiException unwritable(RuntimeException e) {
        return new ApiException(
                ErrorKind.UNAVAILABLE, "the request could not be written down; repeat it with the same key", e);
    }

    private static String fingerprint(Call call, String operation) throws ApiException, IOException {
        byte[] sum = ApiKeys.sha256((operation + "\n").getBytes(StandardCharsets.UTF_8), call.bytes());
        return HexFormat.of().formatHex(sum);
    }

    private Reply first(OperationStore.KeyedRequest request, Creation creation) throws IOException {
        Reply reply;
        try {
            reply = creation.make(sandboxOf(request, request.deadline()));
        } catch (ApiException e) {
            reply = Reply.error(e);
        }
        record(request, reply);
        return reply;
    }

    /** An answer that could not be written down is still given; a repeat then looks for the sandbox. */
    private void record(OperationStore.KeyedRequest request, Reply reply) {
        String body = new String(reply.body(), StandardCharsets.UTF_8);
        try {
            store.answered(
                    request.teamId(),
                    request.key(),
                    new OperationStore.KnownAnswer(reply.status(), reply.headers(), body));
        } catch (RuntimeException e) {
            LOG.error("could not write down the answer to a request with a key", e);
        }
    }

    private Reply again(OperationStore.KeyedRequest request, OperationStore.KnownRequest known, Creation creation)
            throws ApiException, IOException {
        if (!known.fingerprint().equals(request.fingerprint())) {
            throw refused(ErrorKind.CONFLICT, "the key was used for another request", "request_mismatch");
        }
        OperationStore.KnownAnswer answer = known.answer();
        if (answer != null) {
            return new Reply(answer.status(), answer.headers(), answer.body().getBytes(StandardCharsets.UTF_8));
        }
        return unanswered(request, known.deadline(), creation);
    }

    private Reply unanswered(OperationStore.KeyedRequest request, Instant until, Creation creation)
            throws ApiException, IOException {
        Optional<Reply> made = creation.made(sandboxOf(request, until));
        if (made.isPresent()) {
            record(request, made.get());
            return made.get();
        }
        if (until.minus(deadline).isBefore(began) && renewed(request, until)) {
            return first(request, creation);
        }
        throw clock.instant().isBefore(until)
                ? refused(ErrorKind.CONFLICT, "the request is still being carried out", "in_progress")
                : refused(
                        ErrorKind.UNPROCESSABLE,
                        "nobody knows how the request ended; it is not repeated",
                        "outcome_unknown");
    }

    private boolean renewed(OperationStore.KeyedRequest request, Instant until) throws ApiException {
        try {
            return store.renew(request.teamId(), request.key(), until, request.deadline());
        } catch (RuntimeException e) {
            throw unwritable(e);
        }
    }

    private static ApiException refused(ErrorKind kind, String message, String code) {
        return new ApiException(kind, message, "idempotency_" + code, null);
    }
}

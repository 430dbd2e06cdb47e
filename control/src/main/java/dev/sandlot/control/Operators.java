package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** Tells operators: by the operator's secret, or by a token that a key set of operators vouches for. */
final class Operators {
    private static final String HEADER = "X-Admin-Token";

    private final byte @Nullable [] secretHash;
    private final @Nullable TokenVerifier tokens;

    private Operators(byte @Nullable [] secretHash, @Nullable TokenVerifier tokens) {
        this.secretHash = secretHash;
        this.tokens = tokens;
    }

    /**
     * @param secret null when no secret makes an operator
     * @param keys null when no token does
     */
    static Operators of(@Nullable String secret, @Nullable OperatorKeys keys, InstantSource clock) {
        TokenVerifier tokens = keys == null
                ? null
                : new TokenVerifier(
                        keys.issuer(),
                        keys.audiences(),
                        new KeySet(keys.issuer(), keys.cacheDuration(), keys::read, clock),
                        clock);
        return new Operators(secret == null ? null : hash(secret), tokens);
    }

    boolean areOffered(Headers headers) {
        return headers.has(HEADER) || (tokens != null && headers.has(Scheme.BEARER_HEADER));
    }

    /** The secret decides where it is there. */
    void check(Headers headers) throws ApiException {
        if (headers.has(HEADER)) {
            checkSecret(headers.first(HEADER).orElse(""));
        } else {
            checkToken(Scheme.bearer(headers));
        }
    }

    private void checkSecret(String secret) throws ApiException {
        if (secretHash == null || !MessageDigest.isEqual(secretHash, hash(secret))) {
            throw Scheme.refused("Invalid Access token.");
        }
    }

    private void checkToken(String token) throws ApiException {
        TokenVerifier verifier = tokens;
        SignedToken signed = SignedToken.parse(token).orElse(null);
        if (verifier == null || signed == null || !verifier.isFor(signed)) {
            throw Scheme.refused("Invalid Access token.\nit is no token of the operators' issuer");
        }
        verifier.verify(signed);
    }

    /** Secrets are compared by their hashes, which are of one length. */
    private static byte[] hash(String secret) {
        return ApiKeys.sha256(secret.getBytes(StandardCharsets.UTF_8));
    }
}

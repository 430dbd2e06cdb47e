package dev.sandlot.control;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.UUID;

/**
 * Links by which anyone may send one team's files of one hash for a while: what they allow is in their path, until
 * when and who says so in their query (public-api.md 13.3).
 */
final class UploadLinks {
    static final String ROOT = "/upload/";
    static final String EXPIRES = "expires";
    static final String SIGNATURE = "signature";
    static final Duration VALID = Duration.ofMinutes(30);

    private final AccessTokens tokens;
    private final InstantSource clock;

    UploadLinks(AccessTokens tokens, InstantSource clock) {
        this.tokens = tokens;
        this.clock = clock;
    }

    /** The path and query of a link. */
    String make(UUID teamId, String hash) {
        long expires = clock.instant().plus(VALID).getEpochSecond();
        return ROOT + teamId + "/" + hash + "?" + EXPIRES + "=" + expires + "&" + SIGNATURE + "="
                + signature(teamId, hash, expires);
    }

    /** Whether a link was made here and still holds. */
    boolean holds(UUID teamId, String hash, long expires, String signature) {
        boolean signed = MessageDigest.isEqual(
                signature(teamId, hash, expires).getBytes(StandardCharsets.UTF_8),
                signature.getBytes(StandardCharsets.UTF_8));
        return signed && !clock.instant().isAfter(Instant.ofEpochSecond(expires));
    }

    private String signature(UUID teamId, String hash, long expires) {
        return tokens.upload(teamId + "/" + hash + "/" + expires);
    }
}

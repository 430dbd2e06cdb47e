package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;
import dev.sandlot.protocol.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Optional;

/** Who may use {@code /files}: the access token or a signature made with it (envd.md 2.2). */
final class FileSignatures {
    /** What a signature allows. */
    enum Operation {
        READ("read"),
        WRITE("write");

        private final String word;

        Operation(String word) {
            this.word = word;
        }
    }

    private static final String TOKEN_FIELD = "X-Access-Token";

    private final InstantSource clock;

    FileSignatures(InstantSource clock) {
        this.clock = clock;
    }

    /**
     * Lets a request pass, or not.
     *
     * @param token the sandbox's token; empty when it has none and everything is open
     */
    void check(String token, Operation operation, Headers headers, Query query) throws RestException, Query.Malformed {
        Optional<Long> expiration = query.integer("signature_expiration");
        if (token.isEmpty()) {
            return;
        }
        Optional<String> presented = headers.first(TOKEN_FIELD);
        if (presented.isPresent() && !presented.get().isEmpty()) {
            if (!equal(presented.get(), token)) {
                throw new RestException(401, "access token present in header but does not match");
            }
            return;
        }
        checkSignature(sign(token, operation, query.text("path"), query.text("username"), expiration), query);
        if (expiration.isPresent() && expiration.get() < clock.instant().getEpochSecond()) {
            throw new RestException(401, "signature is already expired");
        }
    }

    /** The signature that allows an operation. */
    static String sign(String token, Operation operation, String path, String user, Optional<Long> expiration) {
        String text = path + ":" + operation.word + ":" + user + ":" + token;
        String whole = expiration.map(at -> text + ":" + at).orElse(text);
        return "v1_" + Base64.getEncoder().withoutPadding().encodeToString(sha256(FileNames.encode(whole)));
    }

    private static void checkSignature(String expected, Query query) throws RestException {
        Optional<String> presented = query.value("signature");
        if (presented.isEmpty()) {
            throw new RestException(401, "missing signature query parameter");
        }
        if (!equal(presented.get(), expected)) {
            throw new RestException(401, "invalid signature");
        }
    }

    private static boolean equal(String presented, String expected) {
        return MessageDigest.isEqual(
                presented.getBytes(StandardCharsets.UTF_8), expected.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Tokens of sandboxes and links, derived from the server's seed and what they are for, stored nowhere (public-api.md 2.6). */
final class AccessTokens {
    private static final String ALGORITHM = "HmacSHA256";
    private final SecretKeySpec key;

    AccessTokens(String seed) {
        this.key = new SecretKeySpec(seed.getBytes(StandardCharsets.UTF_8), ALGORITHM);
    }

    /** What calls to the files and processes of the sandbox must carry. */
    String envd(SandboxId id) {
        return hmac(id.value());
    }

    /** What shows that a link for uploads was made here. */
    String upload(String what) {
        return hmac("upload/" + what);
    }

    /** The name of the sandbox that a request makes, told by what the request alone is called. Not to be guessed. */
    SandboxId sandboxOf(String request) {
        return SandboxId.of(mac("sandbox-of-" + request));
    }

    private String hmac(String message) {
        return HexFormat.of().formatHex(mac(message));
    }

    private byte[] mac(String message) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return mac.doFinal(message.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every Java runtime has " + ALGORITHM, e);
        }
    }
}

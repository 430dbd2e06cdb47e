package dev.sandlot.images;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Where another registry goes on with an upload, as an ID that we give out: only what we sealed for a repository is
 * taken back, so nobody can reach other paths of that registry with the operator's credentials.
 */
final class SealedLocation {
    private static final String ALGORITHM = "HmacSHA256";
    private static final int MAC_BYTES = 16;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final SecretKeySpec key;

    SealedLocation(String secret) {
        byte[] bytes = ("registry uploads\0" + secret).getBytes(StandardCharsets.UTF_8);
        this.key = new SecretKeySpec(Digest.sha256().digest(bytes), ALGORITHM);
    }

    String seal(RepositoryName repository, String location) {
        return ENCODER.encodeToString(location.getBytes(StandardCharsets.UTF_8)) + "."
                + ENCODER.encodeToString(mac(repository, location));
    }

    Optional<String> open(RepositoryName repository, String id) {
        int dot = id.indexOf('.');
        if (dot < 0) {
            return Optional.empty();
        }
        try {
            String location = new String(Base64.getUrlDecoder().decode(id.substring(0, dot)), StandardCharsets.UTF_8);
            byte[] mac = Base64.getUrlDecoder().decode(id.substring(dot + 1));
            return MessageDigest.isEqual(mac, mac(repository, location)) ? Optional.of(location) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private byte[] mac(RepositoryName repository, String location) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            byte[] whole = mac.doFinal((repository + "\n" + location).getBytes(StandardCharsets.UTF_8));
            return Arrays.copyOf(whole, MAC_BYTES);
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every Java runtime has " + ALGORITHM, e);
        }
    }
}

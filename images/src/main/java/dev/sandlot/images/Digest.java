package dev.sandlot.images;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A SHA-256 digest. For a layer it is the OCI diff ID: the digest of the uncompressed tar archive.
 *
 * @param hex 64 lower-case hexadecimal digits
 */
public record Digest(String hex) {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
    private static final String PREFIX = "sha256:";

    public Digest {
        if (!HEX.matcher(hex).matches()) {
            throw new IllegalArgumentException("not a SHA-256 digest: " + hex.toLowerCase(Locale.ROOT));
        }
    }

    /** Reads {@code sha256:<hex>}. */
    public static Digest parse(String text) {
        if (!text.startsWith(PREFIX)) {
            throw new IllegalArgumentException("not a SHA-256 digest: " + text);
        }
        return new Digest(text.substring(PREFIX.length()));
    }

    /** The digest of some bytes. */
    public static Digest of(byte[] bytes) {
        return finished(sha256().digest(bytes));
    }

    static Digest finished(byte[] raw) {
        return new Digest(HexFormat.of().formatHex(raw));
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return PREFIX + hex;
    }
}

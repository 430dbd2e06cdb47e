package dev.sandlot.control;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;

/** API keys: {@code e2b_} and hex digits, of which only a hash is kept (public-api.md 2.2). */
public final class ApiKeys {
    static final String PREFIX = "e2b_";
    private static final int KEY_BYTES = 20;
    private static final SecureRandom RANDOM = new SecureRandom();

    private ApiKeys() {}

    /**
     * A fresh key.
     *
     * @param raw what the caller is given, once
     * @param hash what is stored to know it again
     * @param length how many characters follow the prefix
     * @param maskPrefix the first characters after the prefix, for display
     * @param maskSuffix the last characters, for display
     */
    public record Minted(String raw, String hash, int length, String maskPrefix, String maskSuffix) {
        /** Without the key itself. */
        @Override
        public String toString() {
            return maskPrefix + "…" + maskSuffix;
        }
    }

    /** Makes a key of 20 random bytes. */
    public static Minted mint() {
        return mint(PREFIX);
    }

    /** Makes a secret of the same form with another prefix. */
    static Minted mint(String prefix) {
        byte[] bytes = new byte[KEY_BYTES];
        RANDOM.nextBytes(bytes);
        String hex = HexFormat.of().formatHex(bytes);
        int end = hex.length();
        return new Minted(prefix + hex, hash(bytes), end, hex.substring(0, 2), hex.substring(end - 4));
    }

    /** The stored hash of a key that begins with the prefix; empty when the rest is not hex. */
    static Optional<String> hashOf(String raw) {
        return hashOf(PREFIX, raw);
    }

    /** The stored hash of a secret that begins with that prefix; empty when the rest is not hex. */
    static Optional<String> hashOf(String prefix, String raw) {
        String hex = raw.substring(prefix.length());
        if (hex.isEmpty() || hex.length() % 2 != 0 || !hex.chars().allMatch(HexFormat::isHexDigit)) {
            return Optional.empty();
        }
        return Optional.of(hash(HexFormat.of().parseHex(hex)));
    }

    private static String hash(byte[] bytes) {
        return "$sha256$" + Base64.getEncoder().withoutPadding().encodeToString(sha256(bytes));
    }

    /** The sum of parts that follow each other. */
    static byte[] sha256(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) {
                digest.update(part);
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}

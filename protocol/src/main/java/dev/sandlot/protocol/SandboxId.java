package dev.sandlot.protocol;

import java.security.SecureRandom;
import java.util.Optional;

/**
 * A sandbox's name: {@code i} and 20 characters of {@code a-z0-9} (public-api.md 3.1). Safe in a host label and
 * in a file name.
 */
public record SandboxId(String value) {
    private static final int RANDOM_LENGTH = 20;
    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final SecureRandom RANDOM = new SecureRandom();

    public SandboxId {
        if (!isId(value)) {
            throw new IllegalArgumentException("Invalid sandbox ID");
        }
    }

    /** A new random name. */
    public static SandboxId random() {
        StringBuilder text = new StringBuilder(RANDOM_LENGTH + 1).append('i');
        for (int i = 0; i < RANDOM_LENGTH; i++) {
            text.append(ALPHABET.charAt(RANDOM.nextInt(ALPHABET.length())));
        }
        return new SandboxId(text.toString());
    }

    /** The name that belongs to those bytes, of which the first 20 count. */
    public static SandboxId of(byte[] bytes) {
        StringBuilder text = new StringBuilder(RANDOM_LENGTH + 1).append('i');
        for (int i = 0; i < RANDOM_LENGTH; i++) {
            text.append(ALPHABET.charAt(Byte.toUnsignedInt(bytes[i]) % ALPHABET.length()));
        }
        return new SandboxId(text.toString());
    }

    /**
     * Reads the name from a path or host: {@code <id>} or {@code <id>-<clientID>}, of which the second part is
     * ignored (public-api.md 3.1). Empty when the text is neither.
     */
    public static Optional<SandboxId> parse(String text) {
        int dash = text.indexOf('-');
        String id = dash < 0 ? text : text.substring(0, dash);
        String client = dash < 0 ? "" : text.substring(dash + 1);
        return isId(id) && client.chars().allMatch(SandboxId::isIdCharacter)
                ? Optional.of(new SandboxId(id))
                : Optional.empty();
    }

    private static boolean isId(String text) {
        return !text.isEmpty() && text.length() <= 63 && text.chars().allMatch(SandboxId::isIdCharacter);
    }

    private static boolean isIdCharacter(int c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    }

    @Override
    public String toString() {
        return value;
    }
}

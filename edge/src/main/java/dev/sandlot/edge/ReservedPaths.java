package dev.sandlot.edge;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The paths of envd that are for the platform alone (platform.md 14.3, envd.md 1.3). */
final class ReservedPaths {
    private static final Set<String> PATHS =
            Set.of("/init", "/freeze", "/unfreeze", "/fsfreeze", "/fsthaw", "/collapse", "/upgrade");

    private ReservedPaths() {}

    /** The reserved path that a raw path comes down to however it is spelled; empty when it is not one. */
    static Optional<String> match(String rawPath) {
        String path = clean(decode(rawPath)).toLowerCase(Locale.ROOT);
        return PATHS.contains(path) ? Optional.of(path) : Optional.empty();
    }

    private static String clean(String path) {
        Deque<String> segments = new ArrayDeque<>();
        for (String segment : path.split("/", -1)) {
            switch (segment) {
                case "", "." -> {}
                case ".." -> segments.pollLast();
                default -> segments.addLast(segment);
            }
        }
        return "/" + String.join("/", segments);
    }

    private static String decode(String path) {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream decoded = new ByteArrayOutputStream(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            int value = bytes[i] == '%' && i + 2 < bytes.length ? hex(bytes[i + 1]) << 4 | hex(bytes[i + 2]) : -1;
            decoded.write(value >= 0 ? value : bytes[i]);
            i += value >= 0 ? 2 : 0;
        }
        return decoded.toString(StandardCharsets.UTF_8);
    }

    /** The value of a hexadecimal digit; negative for any other character, also when shifted. */
    private static int hex(byte digit) {
        return Character.digit(digit, 16);
    }
}

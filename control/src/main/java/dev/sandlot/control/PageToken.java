package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;

/**
 * The place in a list after which the next page begins (public-api.md 4): URL-safe base64 of
 * {@code <moment>__<id>}, with {@code __asc} added in ascending lists.
 */
record PageToken(Instant startedAt, SandboxId id, boolean ascending) {
    private static final String SEPARATOR = "__";
    private static final String ASCENDING = "asc";

    static PageToken after(SandboxRecord last, boolean ascending) {
        return new PageToken(last.startedAt(), last.id(), ascending);
    }

    String text() {
        String plain = Moments.text(startedAt) + SEPARATOR + id + (ascending ? SEPARATOR + ASCENDING : "");
        return Base64.getUrlEncoder().encodeToString(plain.getBytes(StandardCharsets.UTF_8));
    }

    /** Reads a token that was made for a list of that order. */
    static PageToken parse(String text, boolean ascending) throws ApiException {
        try {
            String[] parts =
                    new String(Base64.getUrlDecoder().decode(text), StandardCharsets.UTF_8).split(SEPARATOR, -1);
            boolean fits = ascending ? parts.length == 3 && parts[2].equals(ASCENDING) : parts.length == 2;
            if (fits) {
                return new PageToken(Instant.parse(parts[0]), new SandboxId(parts[1]), ascending);
            }
        } catch (IllegalArgumentException | DateTimeException e) {
            throw new ApiException(ErrorKind.INVALID, "Invalid next token", e);
        }
        throw new ApiException(ErrorKind.INVALID, "Invalid next token");
    }
}

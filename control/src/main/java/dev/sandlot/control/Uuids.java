package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/** UUIDs as callers write them: in full, which {@link UUID#fromString} does not insist on. */
final class Uuids {
    private static final Pattern GRAMMAR =
            Pattern.compile("\\p{XDigit}{8}-\\p{XDigit}{4}-\\p{XDigit}{4}-\\p{XDigit}{4}-\\p{XDigit}{12}");

    private Uuids() {}

    static Optional<UUID> parse(String text) {
        return GRAMMAR.matcher(text).matches() ? Optional.of(UUID.fromString(text)) : Optional.empty();
    }

    /** A UUID in a path; what it names stands in the refusal. */
    static UUID required(String text, String what) throws ApiException {
        return parse(text).orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Invalid " + what));
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Optional;
import java.util.UUID;

/**
 * Teams as callers name them: by UUID, or as a public project, {@code prj_} and the UUID's 128 bits in 26 digits of
 * base 32, as TypeIDs have them (public-api.md 3.1).
 */
final class ProjectIds {
    private static final String PREFIX = "prj_";
    private static final String DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
    private static final int LENGTH = 26;
    private static final int BITS = 5;

    private ProjectIds() {}

    static String text(UUID team) {
        StringBuilder text = new StringBuilder();
        long high = team.getMostSignificantBits();
        long low = team.getLeastSignificantBits();
        for (int i = 0; i < LENGTH; i++) {
            text.append(DIGITS.charAt((int) (low & 31)));
            low = low >>> BITS | high << (Long.SIZE - BITS);
            high >>>= BITS;
        }
        return PREFIX + text.reverse();
    }

    static Optional<UUID> parse(String text) {
        return text.startsWith(PREFIX) ? decoded(text.substring(PREFIX.length())) : Uuids.parse(text);
    }

    /** A team in a path. */
    static UUID required(String text) throws ApiException {
        return parse(text).orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Invalid team ID"));
    }

    private static Optional<UUID> decoded(String digits) {
        if (digits.length() != LENGTH || digits.charAt(0) > '7') {
            return Optional.empty();
        }
        long high = 0;
        long low = 0;
        for (int i = 0; i < LENGTH; i++) {
            int value = DIGITS.indexOf(digits.charAt(i));
            if (value < 0) {
                return Optional.empty();
            }
            high = high << BITS | low >>> (Long.SIZE - BITS);
            low = low << BITS | value;
        }
        return Optional.of(new UUID(high, low));
    }
}

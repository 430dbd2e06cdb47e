package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.regex.Pattern;

/**
 * Names and reasons that people choose and others read: of some length, in one line, and with nothing in them that
 * steers a terminal or turns the direction of the text around them.
 */
final class Names {
    static final int LONGEST = 200;

    /** Controls, separators of lines and paragraphs, and what embeds, overrides or isolates a direction. */
    private static final Pattern STEERING = Pattern.compile("[\\p{Cc}\\u2028-\\u202E\\u2066-\\u2069]");

    private Names() {}

    /** The property {@code name} of a request. */
    static String required(Fields body) throws ApiException {
        return checked("name", body.requiredText("name"), LONGEST);
    }

    static String checked(String property, String text, int longest) throws ApiException {
        if (text.isBlank() || text.length() > longest) {
            throw invalid(property, "must have 1 to " + longest + " characters");
        }
        if (STEERING.matcher(text).find()) {
            throw invalid(property, "must be one line without control characters and overrides of its direction");
        }
        return text;
    }

    private static ApiException invalid(String property, String problem) {
        return new ApiException(ErrorKind.INVALID, "validation error: property \"" + property + "\" " + problem);
    }
}

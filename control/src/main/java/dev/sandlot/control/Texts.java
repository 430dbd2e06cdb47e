package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import tools.jackson.databind.JsonNode;

/**
 * Which texts of callers are taken. PostgreSQL keeps no U+0000, and UTF-8 has no form for half of a surrogate pair;
 * what one store cannot keep is refused, whichever store there is.
 */
final class Texts {
    private static final int LONGEST_SHOWN = 64;

    private Texts() {}

    /** A text of a caller as part of a message: short and printable. */
    static String shown(String text) {
        String plain = text.replaceAll("[^\\x20-\\x7e]", "?");
        return plain.length() > LONGEST_SHOWN ? plain.substring(0, LONGEST_SHOWN) + "..." : plain;
    }

    static boolean isKeepable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0 || Character.isLowSurrogate(c)) {
                return false;
            }
            if (Character.isHighSurrogate(c)) {
                i++;
                if (i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Refuses a document of which a name or a text is not kept. */
    static void requireKeepable(byte[] document, JsonNode root) throws ApiException {
        if (hasEscapes(document) && !isKeepable(root)) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "validation error: the body has a text with U+0000 or with half of a surrogate pair");
        }
    }

    /** JSON can only write such a text with an escape; most documents have none. */
    private static boolean hasEscapes(byte[] document) {
        for (byte b : document) {
            if (b == '\\') {
                return true;
            }
        }
        return false;
    }

    private static boolean isKeepable(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> isKeepable(node.stringValue());
            case ARRAY -> node.valueStream().allMatch(Texts::isKeepable);
            case OBJECT ->
                node.propertyStream()
                        .allMatch(property -> isKeepable(property.getKey()) && isKeepable(property.getValue()));
            default -> true;
        };
    }
}

package dev.sandlot.node;

/** The character rules of an HTTP/1.1 head (RFC 9110, 5.5 and 5.6.2). */
final class HttpText {
    private static final String TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~";

    private HttpText() {}

    static boolean isToken(String text) {
        return !text.isEmpty()
                && text.chars()
                        .allMatch(c -> (c >= 'a' && c <= 'z')
                                || (c >= 'A' && c <= 'Z')
                                || (c >= '0' && c <= '9')
                                || (c < 128 && TOKEN_PUNCTUATION.indexOf(c) >= 0));
    }

    static boolean isValue(String text) {
        return text.chars().allMatch(c -> c == '\t' || (c >= ' ' && c != 0x7f && c <= 0xff));
    }

    static String token(String text) {
        return require(isToken(text), text, "name");
    }

    static String value(String text) {
        return require(isValue(text), text, "value");
    }

    static String target(String text) {
        return require(text.chars().allMatch(c -> c > ' ' && c != 0x7f && c <= 0xff), text, "target");
    }

    private static String require(boolean valid, String text, String what) {
        if (!valid) {
            throw new IllegalArgumentException("Invalid " + what + " in the request");
        }
        return text;
    }
}

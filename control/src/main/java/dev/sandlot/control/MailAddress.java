package dev.sandlot.control;

import java.util.regex.Pattern;

/** The form of mail addresses: enough of it to tell one from anything else, and nothing that steers a terminal. */
final class MailAddress {
    private static final Pattern FORM = Pattern.compile(
            "[^\\s@\\p{Cc}\\u2028-\\u202E\\u2066-\\u2069]{1,200}@[^\\s@\\p{Cc}\\u2028-\\u202E\\u2066-\\u2069]{1,200}");

    private MailAddress() {}

    static boolean isOne(String text) {
        return FORM.matcher(text).matches();
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The version of a template's file and process service, which decides what its sandboxes can do (public-api.md 21.2). */
record EnvdVersion(int major, int minor, int patch) implements Comparable<EnvdVersion> {
    private static final Pattern GRAMMAR = Pattern.compile("v?(\\d{1,6})\\.(\\d{1,6})\\.(\\d{1,6})(?:[-+].*)?");
    private static final EnvdVersion SECURED = new EnvdVersion(0, 2, 0);

    static Optional<EnvdVersion> parse(String text) {
        Matcher matcher = GRAMMAR.matcher(text);
        return matcher.matches()
                ? Optional.of(new EnvdVersion(number(matcher, 1), number(matcher, 2), number(matcher, 3)))
                : Optional.empty();
    }

    private static int number(Matcher matcher, int group) {
        return Integer.parseInt(matcher.group(group));
    }

    /** Refuses templates whose sandboxes cannot be secured (7.2, check 7). */
    static void checkSecurable(String text) throws ApiException {
        EnvdVersion version = parse(text)
                .orElseThrow(() ->
                        new ApiException(ErrorKind.INVALID, "the template has no known envd version; build it again"));
        if (version.compareTo(SECURED) < 0) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "the template's envd " + text + " cannot secure sandboxes; build it again to get a newer one");
        }
    }

    @Override
    public int compareTo(EnvdVersion other) {
        int byMajor = Integer.compare(major, other.major);
        int byMinor = byMajor != 0 ? byMajor : Integer.compare(minor, other.minor);
        return byMinor != 0 ? byMinor : Integer.compare(patch, other.patch);
    }
}

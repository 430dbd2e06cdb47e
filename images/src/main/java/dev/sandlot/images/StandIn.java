package dev.sandlot.images;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What meets the name of a well-known image where no registry answers: Debian packages.
 *
 * @param kind what is in it
 * @param suite the Debian release; empty for the base template, which has its own
 */
public record StandIn(Kind kind, String suite) {
    private static final String DEFAULT_SUITE = "trixie";
    private static final Pattern SUITE_IN_TAG = Pattern.compile("(?:^|-)(bullseye|bookworm|trixie|forky|sid)(?:-|$)");
    private static final Pattern NUMBER = Pattern.compile("([0-9]+)(?:\\.([0-9]+))?(?:[.-].*)?");

    /** What a stand-in has. */
    public enum Kind {
        BASE,
        DEBIAN,
        PYTHON,
        NODE
    }

    /** The stand-in of an image; empty when there is none for its name, or it is named by digest. */
    public static Optional<StandIn> of(ImageName image) {
        String tag = image.version();
        if (tag.startsWith("sha256:")) {
            return Optional.empty();
        }
        @Nullable StandIn found = switch (image.plainRepository()) {
            case "e2bdev/base" -> new StandIn(Kind.BASE, "");
            case "debian" -> withSuite(Kind.DEBIAN, debian(tag));
            case "ubuntu" -> withSuite(Kind.DEBIAN, ubuntu(tag));
            case "python" -> withSuite(Kind.PYTHON, python(tag));
            case "node" -> withSuite(Kind.NODE, node(tag));
            default -> null;
        };
        return Optional.ofNullable(found);
    }

    /** Its name for people. */
    public String title() {
        return switch (kind) {
            case BASE -> "base template of this server";
            case DEBIAN -> "Debian " + suite;
            case PYTHON -> "Python of Debian " + suite;
            case NODE -> "Node.js of Debian " + suite;
        };
    }

    private static @Nullable StandIn withSuite(Kind kind, @Nullable String suite) {
        return suite == null ? null : new StandIn(kind, suite);
    }

    private static @Nullable String debian(String tag) {
        Matcher named = SUITE_IN_TAG.matcher(tag);
        if (named.find()) {
            return named.group(1);
        }
        return switch (word(tag)) {
            case "latest", "stable", "slim" -> DEFAULT_SUITE;
            case "oldstable" -> "bookworm";
            case "oldoldstable" -> "bullseye";
            case "testing" -> "forky";
            case "unstable" -> "sid";
            case "11" -> "bullseye";
            case "12" -> "bookworm";
            case "13" -> "trixie";
            case "14" -> "forky";
            default -> null;
        };
    }

    /** The Debian release that an Ubuntu is closest to. */
    private static @Nullable String ubuntu(String tag) {
        return switch (tag.replaceFirst("-.*", "")) {
            case "latest", "rolling", "devel" -> DEFAULT_SUITE;
            case "focal", "20.04", "20.10", "21.04", "21.10" -> "bullseye";
            case "jammy", "22.04", "22.10", "kinetic", "23.04", "lunar" -> "bookworm";
            default ->
                tag.matches("(noble|oracular|plucky|questing|resolute|mantic|23\\.10|2[4-9]\\.[01][0-9])(-.*)?")
                        ? DEFAULT_SUITE
                        : null;
        };
    }

    /** The release whose Python is the one that is asked for, or else the newest. */
    private static @Nullable String python(String tag) {
        Matcher named = SUITE_IN_TAG.matcher(tag);
        if (named.find()) {
            return named.group(1);
        }
        Matcher number = NUMBER.matcher(tag);
        if (number.matches()) {
            boolean two = number.group(1).equals("2");
            String minor = number.group(2) == null ? "" : number.group(2);
            return two ? null : minor.equals("11") ? "bookworm" : minor.equals("9") ? "bullseye" : DEFAULT_SUITE;
        }
        return isPlain(tag) ? DEFAULT_SUITE : null;
    }

    private static @Nullable String node(String tag) {
        Matcher named = SUITE_IN_TAG.matcher(tag);
        if (named.find()) {
            return named.group(1);
        }
        Matcher number = NUMBER.matcher(tag);
        if (number.matches()) {
            return number.group(1).equals("18") ? "bookworm" : DEFAULT_SUITE;
        }
        return isPlain(tag) ? DEFAULT_SUITE : null;
    }

    private static boolean isPlain(String tag) {
        return tag.matches("(latest|lts|current|slim|alpine|[a-z]+)([.-][a-z0-9.]+)*");
    }

    /** What a tag begins with: its number before the point, or its word. */
    private static String word(String tag) {
        return tag.replaceFirst("[.-].*", "");
    }
}

package dev.sandlot.app;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** Tells a build's log to a person who looks on: steps with numbers, what was cached, output with times. For one thread. */
final class BuildProgress {
    private static final String CACHED = "CACHED ";
    private static final Pattern HASH = Pattern.compile(" \\[[0-9a-f]{64}]$");
    private static final Pattern OUTPUT = Pattern.compile("^\\[[^]]*] \\[(?:stdout|stderr)]: ");
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}&&[^\\t\\x1b]]");

    private final PrintStream out;
    private int number;
    private String step = "";
    private Instant begun = Instant.EPOCH;
    private Instant last = Instant.EPOCH;
    private boolean isCached;

    BuildProgress(PrintStream out) {
        this.out = out;
    }

    /** One entry of the log. */
    void entry(JsonNode entry) {
        Instant at = Instant.parse(entry.path("timestamp").asString());
        String message = CONTROL.matcher(entry.path("message").asString("")).replaceAll("");
        String of = entry.path("step").asString("");
        if (of.isEmpty()) {
            end(at);
            out.println(message);
        } else if (of.equals(step)) {
            line(at, message);
        } else {
            end(at);
            begin(of, at, message);
        }
        last = at;
        out.flush();
    }

    private void begin(String of, Instant at, String message) {
        step = of;
        begun = at;
        number++;
        isCached = message.startsWith(CACHED);
        String title = HASH.matcher(isCached ? message.substring(CACHED.length()) : message)
                .replaceFirst("");
        out.println("#" + number + " " + title);
        if (isCached) {
            out.println("#" + number + " CACHED");
        }
    }

    private void line(Instant at, String message) {
        Matcher output = OUTPUT.matcher(message);
        String text = HASH.matcher(output.replaceFirst("")).replaceFirst("");
        out.println("#" + number + " " + seconds(begun, at) + " " + text);
    }

    private void end(Instant at) {
        if (!step.isEmpty() && !isCached) {
            out.println("#" + number + " DONE " + seconds(begun, at) + "s");
        }
        step = "";
    }

    /** The build is done. */
    void ready() {
        end(last);
        out.flush();
    }

    /** The build has failed. */
    void failed(String message) {
        if (!step.isEmpty()) {
            out.println("#" + number + " ERROR: " + message);
        }
        step = "";
        out.flush();
    }

    private static String seconds(Instant from, Instant to) {
        long millis = Math.max(0, Duration.between(from, to).toMillis());
        return String.format(Locale.ROOT, "%.3f", millis / 1000.0);
    }
}

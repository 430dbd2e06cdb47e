package dev.sandlot.envd;

import dev.sandlot.protocol.Headers;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The conditions of a request on a file that has a time of change and no entity tag (RFC 9110 section 13). */
final class Preconditions {
    private static final DateTimeFormatter IMF = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final List<DateTimeFormatter> READABLE = List.of(
            IMF,
            DateTimeFormatter.ofPattern("EEEE, dd-MMM-yy HH:mm:ss 'GMT'", Locale.ROOT)
                    .withZone(ZoneOffset.UTC),
            DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.ROOT)
                    .withZone(ZoneOffset.UTC));

    private final Headers request;
    private final Instant modified;

    Preconditions(Headers request, Instant modified) {
        this.request = request;
        this.modified = modified.truncatedTo(ChronoUnit.SECONDS);
    }

    /** A time as HTTP writes it. */
    static String format(Instant time) {
        return IMF.format(time);
    }

    /** The status that a failed condition answers with; empty when the file is to be sent. */
    Optional<Integer> failure() {
        Optional<String> match = request.first("If-Match");
        boolean matches =
                match.map(value -> value.strip().equals("*")).orElseGet(() -> !changedSince("If-Unmodified-Since"));
        if (!matches) {
            return Optional.of(412);
        }
        Optional<String> noneMatch = request.first("If-None-Match");
        if (noneMatch.isPresent()) {
            return noneMatch.get().strip().equals("*") ? Optional.of(304) : Optional.empty();
        }
        boolean known = time("If-Modified-Since").isPresent() && !changedSince("If-Modified-Since");
        return known ? Optional.of(304) : Optional.empty();
    }

    /** Whether a {@code Range} of the request counts. */
    boolean allowsRange() {
        return !request.has("If-Range")
                || time("If-Range").filter(modified::equals).isPresent();
    }

    private boolean changedSince(String field) {
        return time(field).filter(modified::isAfter).isPresent();
    }

    private Optional<Instant> time(String field) {
        return request.first(field).flatMap(Preconditions::parse);
    }

    private static Optional<Instant> parse(String text) {
        return READABLE.stream().flatMap(format -> parse(format, text).stream()).findFirst();
    }

    private static Optional<Instant> parse(DateTimeFormatter format, String text) {
        try {
            return Optional.of(format.parse(text.strip(), Instant::from));
        } catch (DateTimeException _) {
            return Optional.empty();
        }
    }
}

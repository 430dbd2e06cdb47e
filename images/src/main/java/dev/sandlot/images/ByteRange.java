package dev.sandlot.images;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The one range of bytes that a request asks for (RFC 9110, 14).
 *
 * @param first the first byte
 * @param last the last byte; before the first when the range cannot be had
 * @param size of the whole
 */
record ByteRange(long first, long last, long size) {
    private static final Pattern FORM = Pattern.compile("bytes=\\s*(\\d{0,18})-(\\d{0,18})\\s*");

    /** Reads {@code bytes=a-b}, {@code bytes=a-} or {@code bytes=-n}; empty for anything else, which asks for all. */
    static Optional<ByteRange> parse(String header, long size) {
        Matcher m = FORM.matcher(header);
        if (!m.matches() || (m.group(1).isEmpty() && m.group(2).isEmpty())) {
            return Optional.empty();
        }
        if (m.group(1).isEmpty()) {
            long count = Math.min(Long.parseLong(m.group(2)), size);
            return Optional.of(new ByteRange(size - count, size - 1, size));
        }
        long first = Long.parseLong(m.group(1));
        long last = m.group(2).isEmpty() ? size - 1 : Math.min(Long.parseLong(m.group(2)), size - 1);
        boolean backwards = !m.group(2).isEmpty() && Long.parseLong(m.group(2)) < first;
        return backwards ? Optional.empty() : Optional.of(new ByteRange(first, last, size));
    }

    boolean isSatisfiable() {
        return first <= last && first < size;
    }

    long length() {
        return last - first + 1;
    }

    /** As {@code Content-Range} tells it. */
    String text() {
        return "bytes " + first + "-" + last + "/" + size;
    }
}

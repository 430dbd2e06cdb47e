package dev.sandlot.envd;

import java.util.ArrayList;
import java.util.List;

/** The parts of a file that a {@code Range} field asks for (RFC 9110 section 14). */
record ByteRanges(List<ByteRanges.Range> ranges) {
    private static final String UNIT = "bytes=";
    private static final int MAX_RANGES = 1000;

    ByteRanges {
        ranges = List.copyOf(ranges);
    }

    /** From a position, so many bytes. */
    record Range(long start, long length) {
        /** The value of {@code Content-Range}. */
        String contentRange(long size) {
            return "bytes " + start + "-" + (start + length - 1) + "/" + size;
        }
    }

    /** A field that cannot be satisfied. */
    static final class Unsatisfiable extends Exception {
        private static final long serialVersionUID = 1L;

        private final boolean outside;

        Unsatisfiable(boolean outside) {
            super(outside ? "invalid range: failed to overlap" : "invalid range");
            this.outside = outside;
        }

        /** Whether it was understood but lies outside the file. */
        boolean outside() {
            return outside;
        }
    }

    /**
     * Reads the field. No ranges mean the whole file: also when the file is empty, or when the ranges together are
     * larger than it.
     */
    static ByteRanges parse(String field, long size) throws Unsatisfiable {
        if (!field.startsWith(UNIT)) {
            throw new Unsatisfiable(false);
        }
        List<Range> out = new ArrayList<>();
        boolean outside = false;
        for (String element : field.substring(UNIT.length()).split(",")) {
            String spec = element.strip();
            if (!spec.isEmpty()) {
                outside |= !add(spec, size, out);
            }
        }
        if (outside && out.isEmpty() && size > 0) {
            throw new Unsatisfiable(true);
        }
        return new ByteRanges(exceed(out, size) || out.size() > MAX_RANGES ? List.of() : out);
    }

    private static boolean exceed(List<Range> ranges, long size) {
        long left = size;
        for (Range range : ranges) {
            if (range.length() > left) {
                return true;
            }
            left -= range.length();
        }
        return false;
    }

    private static boolean add(String spec, long size, List<Range> out) throws Unsatisfiable {
        int dash = spec.indexOf('-');
        if (dash < 0) {
            throw new Unsatisfiable(false);
        }
        String first = spec.substring(0, dash).strip();
        String last = spec.substring(dash + 1).strip();
        if (first.isEmpty()) {
            long length = Math.min(number(last), size);
            return length > 0 ? out.add(new Range(size - length, length)) : size == 0;
        }
        long start = number(first);
        long end = last.isEmpty() ? size - 1 : number(last);
        if (!last.isEmpty() && start > end) {
            throw new Unsatisfiable(false);
        }
        return start < size && out.add(new Range(start, Math.min(end, size - 1) - start + 1));
    }

    private static long number(String digits) throws Unsatisfiable {
        boolean valid = !digits.isEmpty() && digits.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!valid) {
            throw new Unsatisfiable(false);
        }
        return digits.length() > 18 ? Long.MAX_VALUE : Long.parseLong(digits);
    }
}

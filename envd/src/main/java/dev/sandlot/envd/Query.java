package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The parameters of a query, decoded once; values that are not UTF-8 keep their bytes ({@link FileNames}). */
final class Query {
    private final Map<String, String> values = new HashMap<>();

    private Query() {}

    /** A parameter that cannot be read. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        private final String line;

        Malformed(String line) {
            super(line);
            this.line = line;
        }

        /** One line for the caller. */
        String line() {
            return line;
        }
    }

    static Query parse(String rawQuery) throws Malformed {
        Query out = new Query();
        for (String pair : rawQuery.split("&")) {
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            if (!name.isEmpty()) {
                out.values.putIfAbsent(name, equals < 0 ? "" : decode(pair.substring(equals + 1)));
            }
        }
        return out;
    }

    /** The first value of a parameter, perhaps empty; nothing when it is absent. */
    Optional<String> value(String name) {
        return Optional.ofNullable(values.get(name));
    }

    /** The value of a parameter, or the empty string. */
    String text(String name) {
        return values.getOrDefault(name, "");
    }

    /** A parameter that is an integer. */
    Optional<Long> integer(String name) throws Malformed {
        String value = values.get(name);
        if (value == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(Long.valueOf(value));
        } catch (NumberFormatException _) {
            throw new Malformed("Invalid format for parameter " + name + ": not an integer");
        }
    }

    private static String decode(String raw) throws Malformed {
        if (raw.indexOf('%') < 0 && raw.indexOf('+') < 0) {
            return raw;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(raw.length());
        byte[] in = raw.getBytes(StandardCharsets.UTF_8);
        int i = 0;
        while (i < in.length) {
            if (in[i] == '%') {
                out.write(escaped(in, i));
                i += 3;
            } else {
                out.write(in[i] == '+' ? ' ' : in[i]);
                i++;
            }
        }
        return FileNames.decode(out.toByteArray());
    }

    private static int escaped(byte[] in, int at) throws Malformed {
        int high = at + 2 < in.length ? Character.digit(in[at + 1], 16) : -1;
        int low = at + 2 < in.length ? Character.digit(in[at + 2], 16) : -1;
        if (high < 0 || low < 0) {
            throw new Malformed("Invalid URL escape in the query");
        }
        return high * 16 + low;
    }
}

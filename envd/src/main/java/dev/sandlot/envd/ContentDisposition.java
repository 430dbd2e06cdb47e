package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The field that names files: written for downloads, read from the parts of an upload (envd.md 4.4, 4.5). */
record ContentDisposition(String type, Map<String, String> parameters) {
    private static final String TOKEN_SPECIALS = "()<>@,;:\\\"/[]?=";
    private static final String ATTRIBUTE_SAFE = "!#$&+-.^_`|~";

    ContentDisposition {
        parameters = Map.copyOf(parameters);
    }

    /** The field of a download. */
    static String inline(String fileName) {
        if (isToken(fileName)) {
            return "inline; filename=" + fileName;
        }
        if (fileName.chars().allMatch(c -> (c >= 0x20 && c < 0x7F) || c == '\t')) {
            String escaped = fileName.replace("\\", "\\\\").replace("\"", "\\\"");
            return "inline; filename=\"" + escaped + "\"";
        }
        return "inline; filename*=utf-8''" + percentEncoded(FileNames.printable(fileName));
    }

    /** The field of a part; parameters that make no sense are passed over. */
    static ContentDisposition parse(String field) {
        int semicolon = field.indexOf(';');
        String type =
                (semicolon < 0 ? field : field.substring(0, semicolon)).strip().toLowerCase(Locale.ROOT);
        Map<String, String> parameters = new HashMap<>();
        int at = semicolon < 0 ? field.length() : semicolon;
        while (at < field.length()) {
            at = parameter(field, at + 1, parameters);
        }
        return new ContentDisposition(type, parameters);
    }

    /** A parameter, from its extended form if there is one. */
    Optional<String> parameter(String name) {
        Optional<String> extended =
                Optional.ofNullable(parameters.get(name + "*")).flatMap(ContentDisposition::extended);
        return extended.or(() -> Optional.ofNullable(parameters.get(name)));
    }

    /** Reads one parameter from just after its semicolon; where the next semicolon is, or the end. */
    private static int parameter(String field, int start, Map<String, String> out) {
        int equals = start;
        while (equals < field.length() && field.charAt(equals) != '=' && field.charAt(equals) != ';') {
            equals++;
        }
        if (equals == field.length() || field.charAt(equals) == ';') {
            return equals;
        }
        String name = field.substring(start, equals).strip().toLowerCase(Locale.ROOT);
        int at = equals + 1;
        while (at < field.length() && Character.isWhitespace(field.charAt(at))) {
            at++;
        }
        StringBuilder value = new StringBuilder();
        boolean quoted = at < field.length() && field.charAt(at) == '"';
        at = quoted ? quoted(field, at + 1, value) : plain(field, at, value);
        out.putIfAbsent(name, quoted ? value.toString() : value.toString().strip());
        int next = field.indexOf(';', at);
        return next < 0 ? field.length() : next;
    }

    private static int plain(String field, int start, StringBuilder out) {
        int end = field.indexOf(';', start);
        out.append(field, start, end < 0 ? field.length() : end);
        return end < 0 ? field.length() : end;
    }

    /** A backslash escapes quotes and other specials alone: some browsers send Windows paths as they are. */
    private static int quoted(String field, int start, StringBuilder out) {
        int at = start;
        while (at < field.length() && field.charAt(at) != '"') {
            if (field.charAt(at) == '\\'
                    && at + 1 < field.length()
                    && TOKEN_SPECIALS.indexOf(field.charAt(at + 1)) >= 0) {
                at++;
            }
            out.append(field.charAt(at));
            at++;
        }
        return at;
    }

    /** RFC 8187: charset, language and percent-encoded value with apostrophes between. */
    private static Optional<String> extended(String value) {
        String[] parts = value.split("'", 3);
        if (parts.length != 3 || !(parts[0].equalsIgnoreCase("utf-8") || parts[0].equalsIgnoreCase("us-ascii"))) {
            return Optional.empty();
        }
        try {
            return Optional.of(Query.parse("v=" + parts[2].replace("+", "%2B").replace("&", "%26"))
                    .text("v"));
        } catch (Query.Malformed _) {
            return Optional.empty();
        }
    }

    private static boolean isToken(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c > 0x20 && c < 0x7F && TOKEN_SPECIALS.indexOf(c) < 0);
    }

    private static String percentEncoded(String text) {
        StringBuilder out = new StringBuilder();
        for (byte b : FileNames.encode(text)) {
            int c = b & 0xFF;
            boolean safe = c < 0x80 && (Character.isLetterOrDigit(c) || ATTRIBUTE_SAFE.indexOf(c) >= 0);
            out.append(safe ? String.valueOf((char) c) : String.format(Locale.ROOT, "%%%02X", c));
        }
        return out.toString();
    }
}

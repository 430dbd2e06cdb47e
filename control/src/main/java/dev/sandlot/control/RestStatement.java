package dev.sandlot.control;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One SQL statement with its values, as it travels to a project: the values go apart from the text, as a JSON array
 * that each place takes its own from, with the type that it has here.
 */
record RestStatement(String sql, List<@Nullable Object> values) {
    private static final Pattern ANSWERS_ROWS = Pattern.compile("(?s)\\s*(SELECT|WITH)\\b.*|.*\\bRETURNING\\b.*");

    RestStatement {
        values = Collections.unmodifiableList(new ArrayList<>(values));
    }

    /** Whether rows come back, not only their number. */
    boolean hasRows() {
        return ANSWERS_ROWS.matcher(sql.toUpperCase(Locale.ROOT)).matches();
    }

    /** Whether it surely changes nothing. */
    boolean onlyReads() {
        return sql.stripLeading().toUpperCase(Locale.ROOT).startsWith("SELECT");
    }

    /** For {@code sandlot_run}. */
    Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("sql", text());
        map.put("rows", hasRows());
        map.put("values", values);
        return map;
    }

    /** The statement with its question marks, save those in quotes, turned into places of the array. */
    private String text() {
        StringBuilder text = new StringBuilder();
        boolean quoted = false;
        int place = 0;
        for (int i = 0; i < sql.length(); i++) {
            char c = sql.charAt(i);
            quoted ^= c == '\'';
            if (c == '?' && !quoted) {
                text.append(place(place, values.get(place)));
                place++;
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    private static String place(int number, @Nullable Object value) {
        return switch (value) {
            case null -> "NULL";
            case String _ -> "($1->>" + number + ")";
            case Long _ -> "($1->>" + number + ")::bigint";
            case Integer _ -> "($1->>" + number + ")::integer";
            case Boolean _ -> "($1->>" + number + ")::boolean";
            default -> throw new IllegalArgumentException("no type for a value of " + value.getClass());
        };
    }
}

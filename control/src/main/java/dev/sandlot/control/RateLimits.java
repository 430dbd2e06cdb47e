package dev.sandlot.control;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How often each team may call each operation (public-api.md 1.6).
 *
 * @param budgets by operation ({@code POST /v2/sandboxes}), or {@code list} or {@code delete} for the operations of
 *     that group, each of which has a budget of its own
 */
public record RateLimits(Map<String, Budget> budgets) {
    /** No limit. */
    public static final RateLimits NONE = new RateLimits(Map.of());

    private static final Pattern ENTRY =
            Pattern.compile("(?<what>list|delete|[A-Z]+ /\\S*)=(?<requests>[1-9]\\d{0,8})/(?<seconds>[1-9]\\d{0,5})s");

    /** So many requests in such a time. */
    public record Budget(int requests, Duration period) {}

    public RateLimits {
        budgets = Map.copyOf(budgets);
    }

    /**
     * Reads {@code list=20/1s, delete=10/1s, POST /v2/sandboxes=5/1s}.
     *
     * @throws IllegalArgumentException that says what is wrong with it
     */
    public static RateLimits parse(String text) {
        Map<String, Budget> budgets = new LinkedHashMap<>();
        Arrays.stream(text.split(","))
                .map(String::strip)
                .filter(entry -> !entry.isEmpty())
                .forEach(entry -> {
                    Matcher matcher = ENTRY.matcher(entry);
                    if (!matcher.matches()) {
                        throw new IllegalArgumentException("rate limit \"" + entry
                                + "\" is not of the form list=20/1s or POST /v2/sandboxes=5/1s");
                    }
                    budgets.put(
                            matcher.group("what"),
                            new Budget(
                                    Integer.parseInt(matcher.group("requests")),
                                    Duration.ofSeconds(Long.parseLong(matcher.group("seconds")))));
                });
        return new RateLimits(budgets);
    }

    /** The budget of an operation: its own, else its group's. */
    Optional<Budget> of(String method, String template) {
        return Optional.ofNullable(budgets.get(method + " " + template))
                .or(() -> Optional.ofNullable(budgets.get(group(method, template))));
    }

    /** Events and webhooks are in no group: no 429 is described for them (public-api.md 1.6). */
    private static String group(String method, String template) {
        if (template.startsWith("/events/")) {
            return "";
        }
        boolean single = template.endsWith("}");
        return switch (method) {
            case "DELETE" -> "delete";
            case "GET" -> single ? "" : "list";
            default -> "";
        };
    }
}

package dev.sandlot.protocol;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Who reads an error of the ingress: a program or a person at a browser (platform.md 14.2). */
enum Audience {
    PROGRAM,
    PERSON;

    private static final Set<String> SCRIPTED_MODES = Set.of("cors", "no-cors", "same-origin", "websocket");
    private static final Pattern BROWSER =
            Pattern.compile("mozilla|chrome|chromium|safari|firefox|edge?/|opera|opr/|msie|trident");

    static Audience of(Headers request) {
        String mode = lower(request, "Sec-Fetch-Mode");
        if (mode.equals("navigate")) {
            return PERSON;
        }
        if (SCRIPTED_MODES.contains(mode) || request.has("X-Requested-With") || acceptsJsonAlone(request)) {
            return PROGRAM;
        }
        return BROWSER.matcher(lower(request, "User-Agent")).find() ? PERSON : PROGRAM;
    }

    private static boolean acceptsJsonAlone(Headers request) {
        return request.has("Accept")
                && request.all("Accept").stream()
                        .flatMap(value -> Stream.of(value.split(",", -1)))
                        .map(range -> range.split(";", -1)[0].strip().toLowerCase(Locale.ROOT))
                        .allMatch(Audience::isJson);
    }

    private static boolean isJson(String type) {
        return type.equals("application/json") || (type.startsWith("application/") && type.endsWith("+json"));
    }

    private static String lower(Headers request, String name) {
        return request.first(name).orElse("").strip().toLowerCase(Locale.ROOT);
    }
}

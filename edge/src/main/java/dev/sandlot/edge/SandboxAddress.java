package dev.sandlot.edge;

import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.SandboxId;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds out which sandbox and port a request means (platform.md 14.1, envd.md 1.1).
 *
 * <ul>
 *   <li>A host whose first label is {@code <port>-<id>} or {@code <port>-<id>-<anything>} says it by itself,
 *       under any domain; headers are not looked at.
 *   <li>Otherwise {@code E2b-Sandbox-Id} and {@code E2b-Sandbox-Port} together say it where the host is
 *       {@code localhost}, an IP address or {@code sandbox.<domain>}; one without the other is refused. A listener
 *       that serves the API as well believes both headers together under any host.
 *   <li>A request for the port of envd that carries an API key is an API call all the same, where the listener serves
 *       the API: no client sends its key to envd, but older Python SDKs send both headers with their connect.
 *   <li>What is left is for the API, where the listener serves it.
 * </ul>
 */
final class SandboxAddress {
    private static final String ID_HEADER = "E2b-Sandbox-Id";
    private static final String PORT_HEADER = "E2b-Sandbox-Port";
    private static final String KEY_HEADER = "X-API-Key";
    private static final Pattern PORTED_LABEL = Pattern.compile("([0-9]+)-([^-]*)(?:-.*)?");
    private static final Pattern DOTTED_QUAD = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");

    private SandboxAddress() {}

    static Destination find(FrontListener.Kind kind, String authority, Headers headers) {
        String host = hostOf(authority);
        if (isAddressedByHeaders(host)) {
            return byHeaders(kind, headers);
        }
        if (kind != FrontListener.Kind.TRAFFIC
                && hasAll(kind, headers)
                && byLabel(host).isEmpty()) {
            return byHeaders(kind, headers);
        }
        return byLabel(host).orElseGet(() -> withoutLabel(kind, host));
    }

    private static boolean hasAll(FrontListener.Kind kind, Headers headers) {
        return headers.has(ID_HEADER) && (headers.has(PORT_HEADER) || kind == FrontListener.Kind.DEBUG);
    }

    /** The host of an authority, without its port and without the brackets of an IPv6 address. */
    private static String hostOf(String authority) {
        if (authority.startsWith("[")) {
            int end = authority.indexOf(']');
            return end < 0 ? "" : authority.substring(1, end);
        }
        int colon = authority.indexOf(':');
        return colon < 0 ? authority : authority.substring(0, colon);
    }

    private static boolean isAddressedByHeaders(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        return name.equals("localhost")
                || name.startsWith("sandbox.")
                || name.indexOf(':') >= 0
                || DOTTED_QUAD.matcher(name).matches();
    }

    private static Optional<Destination> byLabel(String host) {
        int dot = host.indexOf('.');
        Matcher label = PORTED_LABEL.matcher(dot < 0 ? "" : host.substring(0, dot));
        return label.matches() ? Optional.of(sandbox(label.group(1), label.group(2))) : Optional.empty();
    }

    private static Destination byHeaders(FrontListener.Kind kind, Headers headers) {
        Optional<String> id = headers.first(ID_HEADER);
        Optional<String> port = headers.first(PORT_HEADER);
        if (id.isEmpty() && port.isEmpty()) {
            return kind == FrontListener.Kind.ALL
                    ? new Destination.Api()
                    : new Destination.Refused("Missing headers " + ID_HEADER + " and " + PORT_HEADER);
        }
        if (id.isEmpty()) {
            return new Destination.Refused("Missing header " + ID_HEADER);
        }
        if (port.isEmpty() && kind != FrontListener.Kind.DEBUG) {
            return new Destination.Refused("Missing header " + PORT_HEADER);
        }
        if (kind == FrontListener.Kind.ALL && isApiCall(headers, port.orElse(""))) {
            return new Destination.Api();
        }
        return headers.all(ID_HEADER).size() > 1 || headers.all(PORT_HEADER).size() > 1
                ? new Destination.Refused("Repeated header " + ID_HEADER + " or " + PORT_HEADER)
                : sandbox(port.orElse(Integer.toString(FrontListener.ENVD_PORT)), id.get());
    }

    private static boolean isApiCall(Headers headers, String port) {
        return headers.has(KEY_HEADER) && port(port) == FrontListener.ENVD_PORT;
    }

    private static Destination sandbox(String portText, String idText) {
        int port = port(portText);
        if (port == 0) {
            return new Destination.Refused("Invalid sandbox port");
        }
        Optional<SandboxId> id = SandboxId.parse(idText);
        return id.isPresent() ? new Destination.Sandbox(id.get(), port) : new Destination.Refused("Invalid sandbox ID");
    }

    private static Destination withoutLabel(FrontListener.Kind kind, String host) {
        return kind == FrontListener.Kind.ALL
                ? new Destination.Api()
                : new Destination.Refused("Invalid host: expected <port>-<sandboxID>.<domain>, got " + printable(host));
    }

    /** The number of a port, or 0 when the text is none. */
    private static int port(String text) {
        if (text.isEmpty() || text.length() > 5 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return 0;
        }
        int port = Integer.parseInt(text);
        return port <= 65535 ? port : 0;
    }

    private static String printable(String host) {
        String text = host.replaceAll("[^\\x21-\\x7e]", "?");
        return text.length() <= 100 ? text : text.substring(0, 100);
    }
}

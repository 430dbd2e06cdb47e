package dev.sandlot.protocol;

import java.util.Locale;
import java.util.Optional;

/**
 * The media type of a call, which says how it is framed and how its messages are written: {@code application/json},
 * {@code application/connect+json} and the same with {@code proto}.
 *
 * @param value as it is repeated in the answer
 */
record ConnectContentType(ConnectCodec codec, boolean streaming, String value) {
    static final String ACCEPTED_UNARY = "application/json, application/json; charset=utf-8, application/proto";
    static final String ACCEPTED_STREAM =
            "application/connect+json, application/connect+json; charset=utf-8, application/connect+proto";

    private static final String PREFIX = "application/";
    private static final String STREAM_PREFIX = "connect+";

    /** Reads a {@code Content-Type}; empty when it is none of the protocol's. */
    static Optional<ConnectContentType> parse(String header) {
        String[] parts = header.toLowerCase(Locale.ROOT).split(";", -1);
        String type = parts[0].strip();
        if (!type.startsWith(PREFIX)) {
            return Optional.empty();
        }
        String subtype = type.substring(PREFIX.length());
        boolean streaming = subtype.startsWith(STREAM_PREFIX);
        String codec = streaming ? subtype.substring(STREAM_PREFIX.length()) : subtype;
        for (ConnectCodec candidate : ConnectCodec.values()) {
            if (candidate.subtype().equals(codec) && parametersAreKnown(parts)) {
                return Optional.of(new ConnectContentType(candidate, streaming, canonical(type, parts)));
            }
        }
        return Optional.empty();
    }

    /** As {@link #parse}, of a request. */
    static Optional<ConnectContentType> of(Exchange exchange) {
        return exchange.requestHeaders().first("Content-Type").flatMap(ConnectContentType::parse);
    }

    private static boolean parametersAreKnown(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            if (!parameter.isEmpty() && !parameter.equals("charset=utf-8")) {
                return false;
            }
        }
        return true;
    }

    private static String canonical(String type, String[] parts) {
        return parts.length > 1 && !parts[1].isBlank() ? type + "; charset=utf-8" : type;
    }
}

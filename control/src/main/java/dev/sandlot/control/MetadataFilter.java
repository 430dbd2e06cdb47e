package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.LinkedHashMap;
import java.util.Map;

/** Pairs that a sandbox's metadata must hold, each exactly (public-api.md 9.4). */
record MetadataFilter(Map<String, String> pairs) {
    static final MetadataFilter NONE = new MetadataFilter(Map.of());

    /** Reads the parameter as it is after HTTP's own unescaping; two further layers are undone here. */
    static MetadataFilter parse(String parameter) throws ApiException {
        Map<String, String> pairs = new LinkedHashMap<>();
        try {
            for (String pair : Escapes.form(parameter).split("&", -1)) {
                String[] sides = pair.split("=", -1);
                if (sides.length != 2) {
                    throw unreadable(pair);
                }
                pairs.put(Escapes.form(sides[0]), Escapes.form(sides[1]));
            }
        } catch (ApiException e) {
            throw unreadable(parameter);
        }
        return new MetadataFilter(pairs);
    }

    boolean matches(SandboxRecord sandbox) {
        Map<String, String> metadata = sandbox.options().metadata();
        return pairs.isEmpty() || (metadata != null && metadata.entrySet().containsAll(pairs.entrySet()));
    }

    private static ApiException unreadable(String text) {
        return new ApiException(
                ErrorKind.INVALID, "Error parsing metadata: '" + text + "' is not of the form key=value");
    }
}

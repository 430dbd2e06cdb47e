package dev.sandlot.edge;

import java.util.regex.Pattern;

/** Which paths of the API's port are the image registry's; all others below {@code /v2/} are the API's. */
final class RegistryPaths {
    private static final Pattern IN_REPOSITORY =
            Pattern.compile("/v2/.+/(?:blobs/.+|manifests/[^/]+|tags/list|referrers/[^/]+)");

    private RegistryPaths() {}

    static boolean match(String rawPath) {
        return rawPath.equals("/v2/")
                || rawPath.equals("/v2/token")
                || IN_REPOSITORY.matcher(rawPath).matches();
    }
}

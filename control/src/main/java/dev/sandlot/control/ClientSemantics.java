package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.ErrorKind;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which rules a build follows, by the version of the SDK that asks (public-api.md 21.3). */
final class ClientSemantics {
    private static final Pattern SDK = Pattern.compile("(?:^|\\s)e2b-(?:js|python)-sdk/(?<version>\\S*)");
    private static final Pattern VERSION = Pattern.compile(
            "v?(?<major>\\d{1,9})\\.(?<minor>\\d{1,9})\\.(?<patch>\\d{1,9})(?<pre>-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?");

    /** The first that makes the last user and directory of a build those of the template: 2.3.0. */
    private static final int NEW_MAJOR = 2;

    private static final int NEW_MINOR = 3;

    private ClientSemantics() {}

    /**
     * The rules for a client.
     *
     * @param userAgent as the client calls itself
     * @throws ApiException {@code INVALID} when an SDK tells a version that is none
     */
    static BuildPlan.Semantics of(Optional<String> userAgent) throws ApiException {
        Matcher sdk = SDK.matcher(userAgent.orElse(""));
        if (!sdk.find()) {
            return BuildPlan.Semantics.V2_1;
        }
        Matcher version = VERSION.matcher(sdk.group("version"));
        if (!version.matches()) {
            throw new ApiException(ErrorKind.INVALID, "Invalid SDK version '" + sdk.group("version") + "'");
        }
        return isOld(version) ? BuildPlan.Semantics.V2_0 : BuildPlan.Semantics.V2_1;
    }

    /** A version with a pre-release part comes before the one without. */
    private static boolean isOld(Matcher version) {
        int major = Integer.parseInt(version.group("major"));
        int minor = Integer.parseInt(version.group("minor"));
        if (major != NEW_MAJOR || minor != NEW_MINOR) {
            return major < NEW_MAJOR || (major == NEW_MAJOR && minor < NEW_MINOR);
        }
        return Integer.parseInt(version.group("patch")) == 0 && version.group("pre") != null;
    }
}

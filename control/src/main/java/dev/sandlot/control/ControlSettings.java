package dev.sandlot.control;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the operator may choose about the control plane.
 *
 * @param accessTokenSeed the secret that sandbox tokens are derived from; the same after every restart
 *     ({@code SANDBOX_ACCESS_TOKEN_HASH_SEED})
 * @param adminToken the secret of operator calls ({@code ADMIN_TOKEN}), or null to refuse them all
 * @param concurrentSandboxes how many sandboxes the default team may have at once
 * @param maxLengthHours how long a sandbox of the default team may live
 * @param endingsKept how long the record of an ended sandbox is kept
 * @param api who may ask, how often and how long
 */
public record ControlSettings(
        String accessTokenSeed,
        @Nullable String adminToken,
        int concurrentSandboxes,
        int maxLengthHours,
        Duration endingsKept,
        ApiSettings api) {
    public ControlSettings {
        require(!accessTokenSeed.isBlank(), "the access token seed is empty");
        require(adminToken == null || !adminToken.isBlank(), "the admin token is empty");
        require(concurrentSandboxes > 0, "the number of concurrent sandboxes must be at least 1");
        require(maxLengthHours > 0, "the longest life of a sandbox must be at least 1 hour");
        require(endingsKept.isPositive(), "the time that endings are kept must be positive");
    }

    /** 1000 sandboxes at once, 24 hours each, a week of endings, no operator. */
    public static ControlSettings withSeed(String accessTokenSeed) {
        return new ControlSettings(accessTokenSeed, null, 1000, 24, Duration.ofDays(7), ApiSettings.DEFAULT);
    }

    /** The same with an operator's secret. */
    public ControlSettings withAdminToken(String token) {
        return new ControlSettings(accessTokenSeed, token, concurrentSandboxes, maxLengthHours, endingsKept, api);
    }

    /** The same with other limits for the default team. */
    public ControlSettings withLimits(int sandboxes, int hours) {
        return new ControlSettings(accessTokenSeed, adminToken, sandboxes, hours, endingsKept, api);
    }

    /** The same with other rules for callers. */
    public ControlSettings withApi(ApiSettings other) {
        return new ControlSettings(
                accessTokenSeed, adminToken, concurrentSandboxes, maxLengthHours, endingsKept, other);
    }

    private static void require(boolean holds, String problem) {
        if (!holds) {
            throw new IllegalArgumentException(problem);
        }
    }

    /** Without the secrets. */
    @Override
    public String toString() {
        return "ControlSettings[concurrentSandboxes=" + concurrentSandboxes + ", maxLengthHours=" + maxLengthHours
                + ", endingsKept=" + endingsKept + ", adminToken=" + (adminToken == null ? "none" : "set") + "]";
    }
}

package dev.sandlot.control;

import java.time.Duration;
import java.util.List;

/**
 * Who may ask, how often and how long.
 *
 * @param providers the identity providers whose tokens are taken ({@code AUTH_PROVIDER_CONFIG})
 * @param legacy whether operations and credentials that newer servers answer with 410 are served for older clients
 * @param rates how often a team may ask; {@link RateLimits#NONE} for no limit
 * @param requestDeadline after which a request is answered with 408
 * @param idempotencyKept how long a request under a key of its caller is known; zero ignores such keys
 */
public record ApiSettings(
        List<IdentityProvider> providers,
        boolean legacy,
        RateLimits rates,
        Duration requestDeadline,
        Duration idempotencyKept) {
    /** No provider, older clients served, no rate limit, 70 seconds, keys known for a day. */
    public static final ApiSettings DEFAULT =
            new ApiSettings(List.of(), true, RateLimits.NONE, Duration.ofSeconds(70), Duration.ofDays(1));

    public ApiSettings {
        providers = List.copyOf(providers);
        if (!requestDeadline.isPositive()) {
            throw new IllegalArgumentException("the deadline of requests must be positive");
        }
    }

    public ApiSettings withProviders(List<IdentityProvider> other) {
        return new ApiSettings(other, legacy, rates, requestDeadline, idempotencyKept);
    }

    public ApiSettings withLegacy(boolean other) {
        return new ApiSettings(providers, other, rates, requestDeadline, idempotencyKept);
    }

    public ApiSettings withRates(RateLimits other) {
        return new ApiSettings(providers, legacy, other, requestDeadline, idempotencyKept);
    }

    public ApiSettings withRequestDeadline(Duration other) {
        return new ApiSettings(providers, legacy, rates, other, idempotencyKept);
    }

    public ApiSettings withIdempotencyKept(Duration other) {
        return new ApiSettings(providers, legacy, rates, requestDeadline, other);
    }
}

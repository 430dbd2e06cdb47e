package dev.sandlot.control;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask, how often and how long.
 *
 * @param providers the identity providers whose tokens are taken ({@code AUTH_PROVIDER_CONFIG})
 * @param legacy whether operations and credentials that newer servers answer with 410 are served for older clients
 * @param rates how often a team may ask; {@link RateLimits#NONE} for no limit
 * @param rateStore where requests are counted ({@code REDIS_URL}); null for the memory of the server
 * @param operators whose tokens make an operator, besides the operator's secret; null for none
 * @param requestDeadline after which a request is answered with 408
 * @param idempotencyKept how long a request under a key of its caller is known; zero ignores such keys
 */
public record ApiSettings(
        List<IdentityProvider> providers,
        boolean legacy,
        RateLimits rates,
        @Nullable RedisAddress rateStore,
        @Nullable OperatorKeys operators,
        Duration requestDeadline,
        Duration idempotencyKept) {
    /** No provider, older clients served, no rate limit, 70 seconds, keys known for a day. */
    public static final ApiSettings DEFAULT =
            new ApiSettings(List.of(), true, RateLimits.NONE, null, null, Duration.ofSeconds(70), Duration.ofDays(1));

    public ApiSettings {
        providers = List.copyOf(providers);
        if (!isClear(operators, providers)) {
            throw new IllegalArgumentException("operators and people must not have one issuer and audience");
        }
        if (!requestDeadline.isPositive()) {
            throw new IllegalArgumentException("the deadline of requests must be positive");
        }
    }

    private static boolean isClear(@Nullable OperatorKeys operators, List<IdentityProvider> providers) {
        return operators == null || !operators.isConfusedWith(providers);
    }

    public ApiSettings withProviders(List<IdentityProvider> other) {
        return new ApiSettings(other, legacy, rates, rateStore, operators, requestDeadline, idempotencyKept);
    }

    public ApiSettings withLegacy(boolean other) {
        return new ApiSettings(providers, other, rates, rateStore, operators, requestDeadline, idempotencyKept);
    }

    public ApiSettings withRates(RateLimits other) {
        return new ApiSettings(providers, legacy, other, rateStore, operators, requestDeadline, idempotencyKept);
    }

    public ApiSettings withRateStore(@Nullable RedisAddress other) {
        return new ApiSettings(providers, legacy, rates, other, operators, requestDeadline, idempotencyKept);
    }

    public ApiSettings withOperators(@Nullable OperatorKeys other) {
        return new ApiSettings(providers, legacy, rates, rateStore, other, requestDeadline, idempotencyKept);
    }

    public ApiSettings withRequestDeadline(Duration other) {
        return new ApiSettings(providers, legacy, rates, rateStore, operators, other, idempotencyKept);
    }

    public ApiSettings withIdempotencyKept(Duration other) {
        return new ApiSettings(providers, legacy, rates, rateStore, operators, requestDeadline, other);
    }
}

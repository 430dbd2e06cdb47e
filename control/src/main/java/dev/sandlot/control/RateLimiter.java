package dev.sandlot.control;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.sandlot.protocol.Headers;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/**
 * Counts the requests of each team against their budgets, in the memory of this server (public-api.md 1.6). Several
 * servers each count for themselves.
 */
final class RateLimiter {
    private static final long MOST_BUCKETS = 100_000;
    private static final Duration IDLE = Duration.ofHours(1);

    private final RateLimits limits;
    private final Cache<Key, Bucket> buckets = Caffeine.newBuilder()
            .maximumSize(MOST_BUCKETS)
            .expireAfterAccess(IDLE)
            .build();

    private record Key(UUID team, String operation) {}

    RateLimiter(RateLimits limits) {
        this.limits = limits;
    }

    /** Counts a request, tells the budget in the answer's fields, and says whether the request may pass. */
    boolean admit(UUID team, Route route, Headers answer) {
        Optional<RateLimits.Budget> budget = limits.of(route.method(), route.template());
        return budget.isEmpty() || admit(team, route, budget.get(), answer);
    }

    private boolean admit(UUID team, Route route, RateLimits.Budget budget, Headers answer) {
        Key key = new Key(team, route.method() + " " + route.template());
        ConsumptionProbe probe = buckets.get(key, missing -> bucket(budget)).tryConsumeAndReturnRemaining(1);
        answer.set("RateLimit-Limit", Integer.toString(budget.requests()))
                .set("RateLimit-Remaining", Long.toString(probe.getRemainingTokens()))
                .set("RateLimit-Reset", Long.toString(seconds(probe.getNanosToWaitForReset())));
        if (!probe.isConsumed()) {
            answer.set("Retry-After", Long.toString(Math.max(1, seconds(probe.getNanosToWaitForRefill()))));
        }
        return probe.isConsumed();
    }

    private static Bucket bucket(RateLimits.Budget budget) {
        return Bucket.builder()
                .addLimit(Bandwidth.builder()
                        .capacity(budget.requests())
                        .refillGreedy(budget.requests(), budget.period())
                        .build())
                .build();
    }

    private static long seconds(long nanos) {
        return Math.ceilDiv(nanos, 1_000_000_000L);
    }
}

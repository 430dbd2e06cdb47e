package dev.sandlot.control;

import dev.sandlot.protocol.Headers;
import io.github.bucket4j.ConsumptionProbe;
import java.util.Optional;
import java.util.UUID;

/** Holds the requests of each team against their budgets (public-api.md 1.6). */
final class RateLimiter implements AutoCloseable {
    private final RateLimits limits;
    private final RateCounts counts;

    RateLimiter(RateLimits limits, RateCounts counts) {
        this.limits = limits;
        this.counts = counts;
    }

    /** Counts a request, tells the budget in the answer's fields, and says whether the request may pass. */
    boolean admit(UUID team, Route route, Headers answer) {
        Optional<RateLimits.Budget> budget = limits.of(route.method(), route.template());
        return budget.isEmpty() || admit(team, route, budget.get(), answer);
    }

    private boolean admit(UUID team, Route route, RateLimits.Budget budget, Headers answer) {
        RateCounts.Key key = new RateCounts.Key(team, route.method() + " " + route.template());
        Optional<ConsumptionProbe> counted = counts.count(key, budget);
        counted.ifPresent(probe -> tell(probe, budget, answer));
        return counted.isEmpty() || counted.get().isConsumed();
    }

    private static void tell(ConsumptionProbe probe, RateLimits.Budget budget, Headers answer) {
        answer.set("RateLimit-Limit", Integer.toString(budget.requests()))
                .set("RateLimit-Remaining", Long.toString(probe.getRemainingTokens()))
                .set("RateLimit-Reset", Long.toString(seconds(probe.getNanosToWaitForReset())));
        if (!probe.isConsumed()) {
            answer.set("Retry-After", Long.toString(Math.max(1, seconds(probe.getNanosToWaitForRefill()))));
        }
    }

    private static long seconds(long nanos) {
        return Math.ceilDiv(nanos, 1_000_000_000L);
    }

    @Override
    public void close() {
        counts.close();
    }
}

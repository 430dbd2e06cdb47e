package dev.sandlot.control;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/** Where requests are counted against budgets. */
interface RateCounts extends AutoCloseable {
    /** What is counted: the requests of a team to an operation. */
    record Key(UUID team, String operation) {}

    /** Counts a request; empty when that cannot be done now, and the request is to pass. */
    Optional<ConsumptionProbe> count(Key key, RateLimits.Budget budget);

    @Override
    void close();

    /** The budget, filled evenly over its period. */
    static BucketConfiguration configuration(RateLimits.Budget budget) {
        return BucketConfiguration.builder()
                .addLimit(Bandwidth.builder()
                        .capacity(budget.requests())
                        .refillGreedy(budget.requests(), budget.period())
                        .build())
                .build();
    }

    /** The memory of this server; several servers each count for themselves. */
    static RateCounts inMemory() {
        return new InMemory();
    }

    /** Buckets that nobody asked for in an hour are full again. */
    final class InMemory implements RateCounts {
        private static final long MOST_BUCKETS = 100_000;
        private static final Duration IDLE = Duration.ofHours(1);
        private final Cache<Key, Bucket> buckets = Caffeine.newBuilder()
                .maximumSize(MOST_BUCKETS)
                .expireAfterAccess(IDLE)
                .build();

        @Override
        public Optional<ConsumptionProbe> count(Key key, RateLimits.Budget budget) {
            return Optional.of(buckets.get(key, missing -> bucket(budget)).tryConsumeAndReturnRemaining(1));
        }

        private static Bucket bucket(RateLimits.Budget budget) {
            return Bucket.builder()
                    .addLimit(configuration(budget).getBandwidths()[0])
                    .build();
        }

        @Override
        public void close() {
            buckets.invalidateAll();
        }
    }
}

package dev.sandlot.control;

import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.github.bucket4j.redis.jedis.Bucket4jJedis;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.RedisClient;

/**
 * Counts in a Redis, together with all servers that use it. When that fails, or takes too long, the request passes;
 * for a moment nobody asks again then, so that a Redis that is away costs one request a moment its patience, and each
 * other nothing.
 */
final class RedisCounts implements RateCounts {
    private static final Logger LOG = LoggerFactory.getLogger(RedisCounts.class);
    private static final int DEFAULT_PORT = 6379;
    private static final int PATIENCE_MILLIS = 500;
    private static final long AWAY_NANOS = Duration.ofSeconds(5).toNanos();
    private static final int CONNECTIONS = 32;
    private static final Duration KEPT_AFTER_REFILL = Duration.ofSeconds(10);

    private final RedisAddress address;
    private final RedisClient client;
    private final ProxyManager<byte[]> buckets;
    private final AtomicLong askAgainAt = new AtomicLong(System.nanoTime());

    RedisCounts(RedisAddress address) {
        this.address = address;
        this.client = client(address);
        this.buckets = Bucket4jJedis.casBasedBuilder(client)
                .expirationAfterWrite(
                        ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(KEPT_AFTER_REFILL))
                .requestTimeout(Duration.ofMillis(PATIENCE_MILLIS))
                .build();
    }

    /** A client that gives up soon. It connects when it is first used. */
    static RedisClient client(RedisAddress address) {
        URI uri = address.uri();
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setMaxTotal(CONNECTIONS);
        pool.setMaxIdle(CONNECTIONS);
        pool.setMaxWait(Duration.ofMillis(PATIENCE_MILLIS));
        DefaultJedisClientConfig config = DefaultJedisClientConfig.builder(uri)
                .connectionTimeoutMillis(PATIENCE_MILLIS)
                .socketTimeoutMillis(PATIENCE_MILLIS)
                .clientName("sandlot")
                .build();
        int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
        return RedisClient.builder()
                .hostAndPort(uri.getHost(), port)
                .clientConfig(config)
                .poolConfig(pool)
                .build();
    }

    @Override
    public Optional<ConsumptionProbe> count(Key key, RateLimits.Budget budget) {
        long now = System.nanoTime();
        if (now - askAgainAt.get() < 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(buckets.getProxy(name(key, budget), () -> RateCounts.configuration(budget))
                    .tryConsumeAndReturnRemaining(1));
        } catch (RuntimeException e) {
            askAgainAt.set(System.nanoTime() + AWAY_NANOS);
            LOG.warn("{} does not count requests; they pass uncounted for a moment: {}", address, e.toString());
            return Optional.empty();
        }
    }

    /** A budget that was changed begins anew. */
    private static byte[] name(Key key, RateLimits.Budget budget) {
        String name = "sandlot:rate:%s:%s:%d/%d"
                .formatted(
                        key.team(),
                        key.operation(),
                        budget.requests(),
                        budget.period().toSeconds());
        return name.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        client.close();
    }
}

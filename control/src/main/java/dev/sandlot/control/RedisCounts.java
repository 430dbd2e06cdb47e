package dev.sandlot.control;

import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.github.bucket4j.redis.jedis.Bucket4jJedis;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.RedisClient;

/**
 * Counts in a Redis, together with all servers that use it. When that fails, or takes too long, the request passes, and
 * so do all after it at once, until the Redis is seen to answer again: one that is away costs only those requests their
 * patience that were under way. The log is told when that begins and when it is over.
 */
final class RedisCounts implements RateCounts {
    private static final Logger LOG = LoggerFactory.getLogger(RedisCounts.class);
    private static final int DEFAULT_PORT = 6379;
    private static final int PATIENCE_MILLIS = 500;
    private static final long LOOK_MILLIS = 1000;
    private static final int CONNECTIONS = 32;
    private static final Duration KEPT_AFTER_REFILL = Duration.ofSeconds(10);

    private final RedisAddress address;
    private final RedisClient client;
    private final ProxyManager<byte[]> buckets;
    private final AtomicBoolean away = new AtomicBoolean();
    private final ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService looks = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("redis-watch").daemon().factory());

    RedisCounts(RedisAddress address) {
        this.address = address;
        this.client = client(address);
        this.buckets = Bucket4jJedis.casBasedBuilder(client)
                .expirationAfterWrite(
                        ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(KEPT_AFTER_REFILL))
                .requestTimeout(Duration.ofMillis(PATIENCE_MILLIS))
                .build();
        var _ = looks.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
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
        if (away.get()) {
            return Optional.empty();
        }
        Future<ConsumptionProbe> asked =
                asking.submit(() -> buckets.getProxy(name(key, budget), () -> RateCounts.configuration(budget))
                        .tryConsumeAndReturnRemaining(1));
        try {
            return Optional.of(asked.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            asked.cancel(true);
            return lost("no answer within " + PATIENCE_MILLIS + " ms");
        } catch (ExecutionException e) {
            return lost(String.valueOf(e.getCause()));
        } catch (InterruptedException e) {
            asked.cancel(true);
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private Optional<ConsumptionProbe> lost(String why) {
        if (!away.getAndSet(true)) {
            LOG.warn("{} does not count requests; they pass uncounted until it answers: {}", address, why);
        }
        return Optional.empty();
    }

    private void look() {
        if (!away.get()) {
            return;
        }
        try {
            client.ping();
            LOG.info("{} counts requests again", address);
            away.set(false);
        } catch (RuntimeException e) {
            LOG.debug("{} does not answer yet", address, e);
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
        looks.shutdownNow();
        asking.shutdownNow();
        client.close();
    }
}

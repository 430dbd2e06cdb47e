package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.Headers;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 1.6 with a Redis: servers count together, and Redis trouble lets requests through. */
@Tag("kernel")
class RedisRatesTest {
    private static final Route LIST = new Route("GET", "/v2/sandboxes", Access.TEAM, true, call -> Reply.empty(204));
    private static final RateLimits TWO = RateLimits.parse("list=2/60s");
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    @TempDir
    Path directory;

    private static RateLimiter limiter(RedisAddress address) {
        return new RateLimiter(TWO, new RedisCounts(address));
    }

    private static Headers asked(RateLimiter limiter, UUID team, boolean passes) {
        Headers answer = new Headers();
        assertThat(limiter.admit(team, LIST, answer)).isEqualTo(passes);
        return answer;
    }

    @Test
    void severalServersCountTogether() throws Exception {
        UUID team = UUID.randomUUID();
        try (RedisServer redis = RedisServer.start();
                RateLimiter one = limiter(redis.address());
                RateLimiter other = limiter(redis.address())) {
            assertThat(asked(one, team, true).first("RateLimit-Remaining")).contains("1");
            assertThat(asked(other, team, true).first("RateLimit-Remaining")).contains("0");
            Headers refused = asked(one, team, false);
            assertThat(refused.first("RateLimit-Limit")).contains("2");
            assertThat(refused.first("RateLimit-Remaining")).contains("0");
            assertThat(Integer.parseInt(refused.first("RateLimit-Reset").orElseThrow()))
                    .isBetween(1, 60);
            assertThat(Integer.parseInt(refused.first("Retry-After").orElseThrow()))
                    .isBetween(1, 60);
            asked(other, UUID.randomUUID(), true);
        }
    }

    @Test
    void theServerAnswersTheSameHeadersAsWithoutRedis() throws Exception {
        try (RedisServer redis = RedisServer.start();
                TestServer server = TestServer.open(
                        directory,
                        ControlSettings.withSeed(TestServer.SEED)
                                .withApi(ApiSettings.DEFAULT.withRates(TWO).withRateStore(redis.address())))) {
            server.call("GET", "/v2/sandboxes").expect(200);
            server.call("GET", "/v2/sandboxes").expect(200);
            TestServer.Answer refused = server.call("GET", "/v2/sandboxes").expect(429);
            assertThat(refused.message()).isEqualTo("Rate limit exceeded");
            assertThat(refused.headers().has("Retry-After")).isTrue();
        }
    }

    @Test
    void aRedisThatGoesAwayLetsRequestsThroughSoonAndIsUsedAgainWhenBack() throws Exception {
        UUID team = UUID.randomUUID();
        RedisServer redis = RedisServer.start();
        try (RateLimiter limiter = limiter(redis.address())) {
            asked(limiter, team, true);
            redis.close();
            assertSoon(() -> {
                for (int i = 0; i < 20; i++) {
                    assertThat(asked(limiter, team, true).has("RateLimit-Limit"))
                            .isFalse();
                }
            });
            redis = RedisServer.start(redis.port());
            long patience = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!asked(limiter, UUID.randomUUID(), true).has("RateLimit-Limit")) {
                assertThat(System.nanoTime()).isLessThan(patience);
                Thread.sleep(100);
            }
        } finally {
            redis.close();
        }
    }

    @Test
    void aRedisThatDoesNotAnswerCostsOneRequestItsPatience() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                RateLimiter limiter = limiter(new RedisAddress("redis://127.0.0.1:" + silent.getLocalPort()))) {
            assertSoon(() -> {
                for (int i = 0; i < 20; i++) {
                    asked(limiter, UUID.randomUUID(), true);
                }
            });
        }
    }

    @Test
    void aFrozenRedisCostsHalfASecondOnceAndOneLineInTheLog() throws Exception {
        try (RedisServer redis = RedisServer.start();
                RateLimiter limiter = limiter(redis.address());
                LogLines log = new LogLines()) {
            asked(limiter, UUID.randomUUID(), true);
            redis.freeze(true);
            long begin = System.nanoTime();
            asked(limiter, UUID.randomUUID(), true);
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofMillis(900));
            // longer than nobody asked once
            for (int i = 0; i < 60; i++) {
                long next = System.nanoTime();
                asked(limiter, UUID.randomUUID(), true);
                assertThat(Duration.ofNanos(System.nanoTime() - next)).isLessThan(Duration.ofMillis(400));
                Thread.sleep(100);
            }
            assertThat(log.texts()).hasSize(1).first().asString().contains("uncounted until it answers");
            redis.freeze(false);
            long patience = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!asked(limiter, UUID.randomUUID(), true).has("RateLimit-Limit")) {
                assertThat(System.nanoTime()).isLessThan(patience);
                Thread.sleep(20);
            }
            assertThat(log.texts()).hasSize(2).last().asString().contains("counts requests again");
        }
    }

    private static void assertSoon(Runnable work) {
        long begin = System.nanoTime();
        work.run();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(PATIENCE);
    }

    @Test
    void anAddressIsCheckedAndShownWithoutItsPassword() throws Exception {
        for (String bad : new String[] {"x", "http://h", "redis://", "redis:///0", "redis://h/zero", "redis://h/0/1"}) {
            assertThatThrownBy(() -> new RedisAddress(bad)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(new RedisAddress("rediss://u:hidden@h:1/2").toString()).isEqualTo("Redis at h:1");
        RedisAddress nobody = new RedisAddress("redis://u:hidden@127.0.0.1:" + RedisServer.freePort());
        assertThatThrownBy(nobody::look)
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("could not reach Redis at 127.0.0.1")
                .hasMessageNotContaining("hidden");
    }
}

package dev.sandlot.control;

import com.github.benmanes.caffeine.cache.CacheLoader;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * API keys. Teams are kept in memory for some minutes after their key was looked up (public-api.md 2.3).
 *
 * <p>Invariant: a request that begins after something was forgotten sees nothing that was read before. The cache sees to
 * it for single keys, for which it waits while they are looked up. Of all keys it forgets only those that are there, not
 * those that are being looked up; hence {@code epoch}, which counts how often all were forgotten.
 */
final class KeyScheme implements Scheme {
    private static final Logger LOG = LoggerFactory.getLogger(KeyScheme.class);
    private static final String HEADER = "X-API-Key";
    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final long MOST_KEPT = 10_000;

    private final TeamStore teams;
    private final Executor background;
    private final AtomicLong epoch = new AtomicLong();
    private final LoadingCache<String, Remembered> byHash;

    /** The team of a key, and the epoch in which the look-up began. */
    private record Remembered(Team team, long epoch) {}

    KeyScheme(TeamStore teams, Executor background) {
        this(teams, background, Ticker.systemTicker());
    }

    KeyScheme(TeamStore teams, Executor background, Ticker ticker) {
        this.teams = teams;
        this.background = background;
        this.byHash = Caffeine.newBuilder()
                .maximumSize(MOST_KEPT)
                .expireAfterWrite(KEPT)
                .refreshAfterWrite(FRESH)
                .executor(background)
                .ticker(ticker)
                .build(new Loading());
    }

    /** While the store does not answer what is remembered stays; what was changed meanwhile is followed afterwards. */
    private final class Loading implements CacheLoader<String, Remembered> {
        @Override
        public Remembered load(String hash) {
            return KeyScheme.this.load(hash);
        }

        @Override
        public Remembered reload(String hash, Remembered old) {
            try {
                return load(hash);
            } catch (StoreAwayException e) {
                LOG.debug("a key is not looked up again while the store does not answer", e);
                return old;
            }
        }
    }

    /** Nothing is kept of an unknown key: null says so to the cache. */
    @SuppressWarnings("NullAway")
    private Remembered load(String hash) {
        long began = epoch.get();
        Optional<Team> team = teams.byKeyHash(hash);
        team.ifPresent(found -> background.execute(() -> used(hash)));
        return team.map(found -> new Remembered(found, began)).orElse(null);
    }

    private void used(String hash) {
        try {
            teams.keyUsed(hash, Instant.now());
        } catch (StoreAwayException e) {
            LOG.debug("the use of a key is not noted while the store does not answer", e);
        }
    }

    void forget(String hash) {
        byHash.invalidate(hash);
    }

    void forgetAll() {
        epoch.incrementAndGet();
        byHash.invalidateAll();
    }

    @Override
    public boolean isOffered(Headers headers) {
        return headers.has(HEADER);
    }

    @Override
    public Caller check(Headers headers) throws ApiException {
        String key = headers.first(HEADER).orElse("");
        if (!key.startsWith(ApiKeys.PREFIX)) {
            throw Scheme.refused("authorization header is malformed");
        }
        String hash = ApiKeys.hashOf(key).orElseThrow(() -> invalid("the key is not of hexadecimal digits"));
        Remembered remembered = lookUp(hash);
        if (remembered == null) {
            throw invalid("no team has this key");
        }
        return Caller.of(remembered.team());
    }

    private @Nullable Remembered lookUp(String hash) {
        long now = epoch.get();
        Remembered remembered = byHash.get(hash);
        while (remembered != null && remembered.epoch() < now) {
            byHash.asMap().remove(hash, remembered);
            remembered = byHash.get(hash);
        }
        return remembered;
    }

    private static ApiException invalid(String cause) {
        return Scheme.refused(
                "Invalid API key, please visit https://e2b.dev/docs/api-key for more information.\n" + cause);
    }
}

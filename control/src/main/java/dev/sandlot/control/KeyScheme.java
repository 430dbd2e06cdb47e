package dev.sandlot.control;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executor;

/** API keys. Teams are kept in memory for some minutes after their key was looked up (public-api.md 2.3). */
final class KeyScheme implements Scheme {
    private static final String HEADER = "X-API-Key";
    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final long MOST_KEPT = 10_000;

    private final TeamStore teams;
    private final Executor background;
    private final LoadingCache<String, Team> byHash;

    KeyScheme(TeamStore teams, Executor background) {
        this.teams = teams;
        this.background = background;
        this.byHash = Caffeine.newBuilder()
                .maximumSize(MOST_KEPT)
                .expireAfterWrite(KEPT)
                .refreshAfterWrite(FRESH)
                .executor(background)
                .build(this::load);
    }

    /** Nothing is kept of an unknown key: null says so to the cache. */
    @SuppressWarnings("NullAway")
    private Team load(String hash) {
        Optional<Team> team = teams.byKeyHash(hash);
        team.ifPresent(found -> background.execute(() -> teams.keyUsed(hash, Instant.now())));
        return team.orElse(null);
    }

    void forget(String hash) {
        byHash.invalidate(hash);
    }

    void forgetAll() {
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
        Team team = byHash.get(hash);
        if (team == null) {
            throw invalid("no team has this key");
        }
        return Caller.of(team);
    }

    private static ApiException invalid(String cause) {
        return Scheme.refused(
                "Invalid API key, please visit https://e2b.dev/docs/api-key for more information.\n" + cause);
    }
}

package dev.sandlot.control;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Tells who calls (public-api.md 2). Teams are kept in memory for some minutes after their key was looked up. */
final class Authenticator {
    private static final String KEY_HEADER = "X-API-Key";
    private static final String ADMIN_HEADER = "X-Admin-Token";
    private static final String TEAM_HEADER = "X-Team-ID";
    private static final String BEARER_HEADER = "Authorization";
    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration FRESH = Duration.ofMinutes(1);
    private static final long MOST_KEPT = 10_000;
    private static final Pattern UUID_GRAMMAR =
            Pattern.compile("\\p{XDigit}{8}-\\p{XDigit}{4}-\\p{XDigit}{4}-\\p{XDigit}{4}-\\p{XDigit}{12}");

    private final TeamStore teams;
    private final byte @Nullable [] adminTokenHash;
    private final Executor background;
    private final LoadingCache<String, Team> byKeyHash;

    /** @param adminToken the operator's secret, or null when there is no operator */
    Authenticator(TeamStore teams, @Nullable String adminToken, Executor background) {
        this.teams = teams;
        this.adminTokenHash = adminToken == null ? null : hash(adminToken);
        this.background = background;
        this.byKeyHash = Caffeine.newBuilder()
                .maximumSize(MOST_KEPT)
                .expireAfterWrite(KEPT)
                .refreshAfterWrite(FRESH)
                .executor(background)
                .build(this::load);
    }

    /** Nothing is kept of an unknown key: null says so to the cache. */
    @SuppressWarnings("NullAway")
    private Team load(String keyHash) {
        Optional<Team> team = teams.byKeyHash(keyHash);
        team.ifPresent(found -> background.execute(() -> teams.keyUsed(keyHash, Instant.now())));
        return team.orElse(null);
    }

    /** Drops what is remembered of a key, so that its next use looks it up anew. */
    void forgetKey(String keyHash) {
        byKeyHash.invalidate(keyHash);
    }

    /** Checks that the caller is one of those the operation is for; the team, where it is for teams. */
    Optional<Team> authenticate(Headers headers, Access access) throws ApiException {
        return switch (access) {
            case OPEN -> Optional.empty();
            case TEAM -> Optional.of(notBanned(team(headers)));
            case KEYS -> Optional.of(notBanned(teamOfOperator(headers)));
            case USER -> throw user(headers);
            case OPERATOR -> {
                operator(headers);
                yield Optional.empty();
            }
        };
    }

    private Team team(Headers headers) throws ApiException {
        Optional<String> key = headers.first(KEY_HEADER);
        if (key.isPresent() && !headers.has(ADMIN_HEADER)) {
            return teamOfKey(key.get());
        }
        if (key.isPresent()) {
            return teamOfKeyOrOperator(key.get(), headers);
        }
        return teamOfOperator(headers);
    }

    private Team teamOfKeyOrOperator(String key, Headers headers) throws ApiException {
        try {
            return teamOfKey(key);
        } catch (ApiException first) {
            try {
                return teamOfOperator(headers);
            } catch (ApiException second) {
                first.addSuppressed(second);
                throw first;
            }
        }
    }

    private Team teamOfKey(String key) throws ApiException {
        if (!key.startsWith(ApiKeys.PREFIX)) {
            throw refused("authorization header is malformed");
        }
        String hash = ApiKeys.hashOf(key).orElseThrow(() -> invalidKey("the key is not of hexadecimal digits"));
        Team team = byKeyHash.get(hash);
        if (team == null) {
            throw invalidKey("no team has this key");
        }
        return team;
    }

    private static ApiException invalidKey(String cause) {
        return refused("Invalid API key, please visit https://e2b.dev/docs/api-key for more information.\n" + cause);
    }

    private Team teamOfOperator(Headers headers) throws ApiException {
        operator(headers);
        String id = headers.first(TEAM_HEADER)
                .filter(text -> UUID_GRAMMAR.matcher(text).matches())
                .orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Invalid team ID"));
        return teams.byId(UUID.fromString(id))
                .orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "Team not found"));
    }

    private void operator(Headers headers) throws ApiException {
        Optional<String> token = headers.first(ADMIN_HEADER);
        if (token.isEmpty()) {
            throw headers.has(BEARER_HEADER) ? user(headers) : refused("authorization header is missing");
        }
        if (adminTokenHash == null || !MessageDigest.isEqual(adminTokenHash, hash(token.get()))) {
            throw refused("Invalid Access token.");
        }
    }

    private static ApiException user(Headers headers) {
        Optional<String> bearer = headers.first(BEARER_HEADER);
        if (bearer.isEmpty()) {
            return refused("authorization header is missing");
        }
        return bearer.get().startsWith("Bearer ")
                ? refused("Invalid auth provider token.\nno identity provider is configured")
                : refused("authorization header is malformed");
    }

    private static Team notBanned(Team team) throws ApiException {
        if (team.standing().banned()) {
            throw new ApiException(ErrorKind.FORBIDDEN, "team is banned");
        }
        return team;
    }

    private static ApiException refused(String message) {
        return new ApiException(ErrorKind.UNAUTHENTICATED, message);
    }

    /** Secrets are compared by their hashes, which are of one length. */
    private static byte[] hash(String secret) {
        return ApiKeys.sha256(secret.getBytes(StandardCharsets.UTF_8));
    }
}

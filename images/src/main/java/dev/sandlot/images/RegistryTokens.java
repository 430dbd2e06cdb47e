package dev.sandlot.images;

import dev.sandlot.images.RegistryGuard.Grant;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tokens that were given out: random, remembered by their digests alone, for a time. A restart forgets them, and
 * clients log in anew.
 */
final class RegistryTokens {
    private static final int TOKEN_BYTES = 32;
    private static final int MOST = 100_000;
    private static final SecureRandom RANDOM = new SecureRandom();

    private record Entry(Grant grant, Instant end) {}

    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();

    /** Guarded by lock; the oldest first. */
    private final Map<Digest, Entry> entries = new LinkedHashMap<>();

    RegistryTokens(InstantSource clock) {
        this.clock = clock;
    }

    /** Makes a token for what it grants. When too many are out the oldest goes. */
    String issue(Grant grant, Duration life) {
        byte[] random = new byte[TOKEN_BYTES];
        RANDOM.nextBytes(random);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        Instant now = clock.instant();
        lock.lock();
        try {
            entries.values().removeIf(entry -> !now.isBefore(entry.end()));
            if (entries.size() >= MOST) {
                entries.remove(entries.keySet().iterator().next());
            }
            entries.put(digest(token), new Entry(grant, now.plus(life)));
        } finally {
            lock.unlock();
        }
        return token;
    }

    /** What a token grants, while it lasts. */
    Optional<Grant> find(String token) {
        lock.lock();
        try {
            return Optional.ofNullable(entries.get(digest(token)))
                    .filter(entry -> clock.instant().isBefore(entry.end()))
                    .map(Entry::grant);
        } finally {
            lock.unlock();
        }
    }

    private static Digest digest(String token) {
        return Digest.of(token.getBytes(StandardCharsets.UTF_8));
    }
}

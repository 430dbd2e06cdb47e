package dev.sandlot.control;

import java.net.URI;
import java.util.Set;
import java.util.regex.Pattern;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Where a Redis is and how to get in.
 *
 * @param url {@code redis://} or, with TLS, {@code rediss://}, then {@code user:password@host:port/database}, of which
 *     only the host must be there
 */
public record RedisAddress(String url) {
    private static final Set<String> SCHEMES = Set.of("redis", "rediss");
    private static final Pattern DATABASE = Pattern.compile("(/\\d{0,4})?");

    /** Refuses, with an {@link IllegalArgumentException}, what is no such address. */
    public RedisAddress {
        URI uri = URI.create(url);
        if (!SCHEMES.contains(String.valueOf(uri.getScheme()))
                || uri.getHost() == null
                || !DATABASE.matcher(uri.getPath()).matches()) {
            throw new IllegalArgumentException("is not of the form redis://user:password@host:6379/0");
        }
    }

    URI uri() {
        return URI.create(url);
    }

    /**
     * Looks whether it answers.
     *
     * @throws StoreException when it does not
     */
    public String look() {
        try (RedisClient client = RedisCounts.client(this)) {
            client.ping();
            return this + " answers";
        } catch (JedisException e) {
            throw new StoreException("could not reach " + this + ": " + e.getMessage(), e);
        }
    }

    /** Without user and password. */
    @Override
    public String toString() {
        URI uri = uri();
        return "Redis at " + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
    }
}

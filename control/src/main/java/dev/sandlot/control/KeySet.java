package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The public keys of whoever signs tokens, fetched when they are first needed, when they are old, and when a token names
 * one that is not among them. If a fetch fails the keys at hand stay in use.
 *
 * <p>Anyone can name a key that there is not. So fetches are bounded: a few may follow each other, so that a key is
 * found as soon as its provider uses it, and then one each {@link #BETWEEN_FETCHES}. A provider that fails is left
 * alone for longer.
 */
final class KeySet {
    private static final Logger LOG = LoggerFactory.getLogger(KeySet.class);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration BETWEEN_FETCHES = Duration.ofSeconds(3);
    private static final int FETCHES_AT_ONCE = 4;
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);
    private static final int LARGEST_DOCUMENT = 1 << 20;
    private static final int LEAST_RSA_BITS = 2048;

    private final String issuer;
    private final Duration cacheDuration;
    private final Source source;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();

    /** Both are written under the lock. */
    private volatile Map<String, PublicKey> keys = Map.of();

    private volatile Instant fetched = Instant.MIN;

    /** Guarded by the lock: when as many fetches as may follow each other are free again. */
    private Instant allFree = Instant.EPOCH;

    /** Guarded by the lock. */
    private Instant resting = Instant.EPOCH;

    /** Where keys come from: a JSON web key set, each time anew. */
    @FunctionalInterface
    interface Source {
        JsonNode read() throws IOException;
    }

    KeySet(String issuer, Duration cacheDuration, Source source, InstantSource clock) {
        this.issuer = issuer;
        this.cacheDuration = cacheDuration;
        this.source = source;
        this.clock = clock;
    }

    /** The keys that a provider's description leads to. */
    static KeySet of(IdentityProvider provider, InstantSource clock) {
        return new KeySet(provider.issuer(), provider.cacheDuration(), () -> discovered(provider), clock);
    }

    private static JsonNode discovered(IdentityProvider provider) throws IOException {
        JsonNode description = read(provider.discovery());
        if (!description.path("issuer").asString("").equals(provider.issuer())) {
            throw new IOException("the description at " + provider.discovery() + " is of another issuer");
        }
        return read(IdentityProvider.address(description.path("jwks_uri").asString("")));
    }

    /** The key of that name. */
    Optional<PublicKey> find(String id) throws ApiException {
        if (isWanting(id)) {
            refresh(id);
        }
        return Optional.ofNullable(keys.get(id));
    }

    private boolean isWanting(String id) {
        boolean old = fetched.equals(Instant.MIN) || !clock.instant().isBefore(fetched.plus(cacheDuration));
        return old || !keys.containsKey(id);
    }

    /** Those who waited while another fetched may find what they want. */
    private void refresh(String id) throws ApiException {
        lock.lock();
        try {
            if (!isWanting(id)) {
                return;
            }
            Instant now = clock.instant();
            if (!mayFetch(now)) {
                requireKeys(null);
                return;
            }
            keys = fetch();
            fetched = now;
        } catch (IOException | IllegalArgumentException e) {
            resting = clock.instant().plus(AFTER_FAILURE);
            requireKeys(e);
            LOG.warn("could not fetch the keys of {}; those at hand stay in use", issuer, e);
        } finally {
            lock.unlock();
        }
    }

    /** Takes one of the fetches that may be made, if one is free. */
    private boolean mayFetch(Instant now) {
        Instant next = Moments.later(allFree, now).plus(BETWEEN_FETCHES);
        if (now.isBefore(resting) || next.isAfter(now.plus(BETWEEN_FETCHES.multipliedBy(FETCHES_AT_ONCE)))) {
            return false;
        }
        allFree = next;
        return true;
    }

    private void requireKeys(@Nullable Exception cause) throws ApiException {
        if (keys.isEmpty()) {
            throw new ApiException(
                    ErrorKind.UNAVAILABLE, "the identity provider's keys cannot be had now", null, cause);
        }
    }

    private Map<String, PublicKey> fetch() throws IOException {
        Map<String, PublicKey> found = new HashMap<>();
        for (JsonNode key : source.read().path("keys")) {
            key(key).ifPresent(usable -> found.put(key.path("kid").asString(""), usable));
        }
        if (found.isEmpty()) {
            throw new IOException("there are no RS256 or ES256 keys of " + issuer);
        }
        return Map.copyOf(found);
    }

    /** A JSON document. */
    static JsonNode read(URI uri) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(uri).timeout(PATIENCE).build();
        try (HttpClient client =
                HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
            HttpResponse<InputStream> response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                byte[] bytes = body.readNBytes(LARGEST_DOCUMENT);
                if (response.statusCode() != 200) {
                    throw new IOException(uri + " answered " + response.statusCode());
                }
                return Json.MAPPER.readTree(bytes);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while reading " + uri, e);
        } catch (JacksonException e) {
            throw new IOException(uri + " is not JSON", e);
        }
    }

    private static Optional<PublicKey> key(JsonNode key) {
        if (!key.path("use").asString("sig").equals("sig")) {
            return Optional.empty();
        }
        try {
            return switch (key.path("kty").asString("")) {
                case "RSA" -> rsa(key);
                case "EC" -> ec(key);
                default -> Optional.empty();
            };
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            LOG.warn("leaving out a malformed key of an identity provider", e);
            return Optional.empty();
        }
    }

    private static Optional<PublicKey> rsa(JsonNode key) throws GeneralSecurityException {
        BigInteger modulus = number(key, "n");
        if (modulus.bitLength() < LEAST_RSA_BITS) {
            return Optional.empty();
        }
        return Optional.of(
                KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(modulus, number(key, "e"))));
    }

    private static Optional<PublicKey> ec(JsonNode key) throws GeneralSecurityException {
        if (!key.path("crv").asString("").equals("P-256")) {
            return Optional.empty();
        }
        AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp256r1"));
        ECPoint point = new ECPoint(number(key, "x"), number(key, "y"));
        return Optional.of(KeyFactory.getInstance("EC")
                .generatePublic(new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class))));
    }

    private static BigInteger number(JsonNode key, String name) {
        return new BigInteger(1, Base64.getUrlDecoder().decode(key.path(name).asString("")));
    }
}

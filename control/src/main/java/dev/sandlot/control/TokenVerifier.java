package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Checks the tokens of one issuer: signature (RS256, ES256), issuer, audience and times. */
final class TokenVerifier {
    private static final Duration SKEW = Duration.ofSeconds(30);
    private static final int LONGEST_SUBJECT = 255;

    private final String issuer;
    private final List<String> audiences;
    private final KeySet keys;
    private final InstantSource clock;

    TokenVerifier(String issuer, List<String> audiences, KeySet keys, InstantSource clock) {
        this.issuer = issuer;
        this.audiences = List.copyOf(audiences);
        this.keys = keys;
        this.clock = clock;
    }

    boolean isFor(SignedToken token) {
        return token.issuer().equals(issuer);
    }

    Identity verify(SignedToken token) throws ApiException {
        checkSignature(token);
        checkTimes(token.claims());
        checkAudience(token.claims());
        return new Identity(issuer, subject(token.claims()), email(token.claims()));
    }

    /** OpenID Connect Core 2: a string of at most 255 characters. */
    private static String subject(JsonNode claims) throws ApiException {
        JsonNode subject = claims.path("sub");
        if (!subject.isString() || subject.stringValue().isEmpty() || !Texts.isKeepable(subject.stringValue())) {
            throw IdentityProviders.refused("it names no subject");
        }
        if (subject.stringValue().length() > LONGEST_SUBJECT) {
            throw IdentityProviders.refused("its subject has more than " + LONGEST_SUBJECT + " characters");
        }
        return subject.stringValue();
    }

    /** OpenID Connect Core 5.1; some providers write the truth of a claim as a string. */
    private static @Nullable String email(JsonNode claims) {
        String email = claims.path("email").asString("");
        boolean isVerified = claims.path("email_verified").asString("").equals("true");
        return isVerified && MailAddress.isOne(email) && Texts.isKeepable(email) ? email : null;
    }

    private void checkSignature(SignedToken token) throws ApiException {
        String keyId = token.header().path("kid").asString("");
        PublicKey key = keys.find(keyId).orElseThrow(() -> IdentityProviders.refused("its key is unknown"));
        if (token.header().has("crit")
                || !algorithmOf(key).equals(token.header().path("alg").asString(""))
                || !isSignedBy(key, token)) {
            throw IdentityProviders.refused("its signature does not hold");
        }
    }

    /** The algorithm belongs to the key; what the token says is only compared with it. */
    private static String algorithmOf(PublicKey key) {
        return switch (key) {
            case RSAPublicKey _ -> "RS256";
            case ECPublicKey _ -> "ES256";
            default -> throw new IllegalStateException("no algorithm for keys of " + key.getAlgorithm());
        };
    }

    private static boolean isSignedBy(PublicKey key, SignedToken token) {
        String name = key instanceof RSAPublicKey ? "SHA256withRSA" : "SHA256withECDSAinP1363Format";
        try {
            Signature signature = Signature.getInstance(name);
            signature.initVerify(key);
            signature.update(token.signed());
            return signature.verify(token.signature());
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private void checkTimes(JsonNode claims) throws ApiException {
        Instant now = clock.instant();
        JsonNode expiry = claims.path("exp");
        if (!expiry.isNumber() || !now.isBefore(moment(expiry).plus(SKEW))) {
            throw IdentityProviders.refused("it has expired");
        }
        JsonNode notBefore = claims.path("nbf");
        if (notBefore.isNumber() && now.isBefore(moment(notBefore).minus(SKEW))) {
            throw IdentityProviders.refused("it is not valid yet");
        }
    }

    private static Instant moment(JsonNode seconds) {
        long value = (long) seconds.doubleValue();
        return Instant.ofEpochSecond(Math.clamp(value, 0, Instant.MAX.getEpochSecond() / 2));
    }

    private void checkAudience(JsonNode claims) throws ApiException {
        JsonNode audience = claims.path("aud");
        List<String> named = audience.isArray()
                ? audience.valueStream().map(item -> item.asString("")).toList()
                : List.of(audience.asString(""));
        if (named.stream().noneMatch(audiences::contains)) {
            throw IdentityProviders.refused("it is meant for another audience");
        }
    }
}

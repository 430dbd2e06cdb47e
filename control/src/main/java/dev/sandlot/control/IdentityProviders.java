package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import java.time.InstantSource;
import java.util.List;

/** The identity providers whose tokens are taken. */
final class IdentityProviders {
    private final List<TokenVerifier> verifiers;

    private IdentityProviders(List<TokenVerifier> verifiers) {
        this.verifiers = verifiers;
    }

    static IdentityProviders of(List<IdentityProvider> providers, InstantSource clock) {
        return new IdentityProviders(providers.stream()
                .map(provider ->
                        new TokenVerifier(provider.issuer(), provider.audiences(), KeySet.of(provider, clock), clock))
                .toList());
    }

    /**
     * Who the token is about.
     *
     * @throws ApiException {@code UNAUTHENTICATED} when no provider vouches for it; {@code UNAVAILABLE} when a
     *     provider's keys cannot be had
     */
    Identity verify(String token) throws ApiException {
        SignedToken signed = SignedToken.parse(token).orElseThrow(() -> refused("it is not a signed token"));
        TokenVerifier verifier = verifiers.stream()
                .filter(candidate -> candidate.isFor(signed))
                .findFirst()
                .orElseThrow(() -> refused(
                        verifiers.isEmpty()
                                ? "no identity provider is configured"
                                : "its issuer is no configured identity provider"));
        return verifier.verify(signed);
    }

    static ApiException refused(String cause) {
        return Scheme.refused("Invalid auth provider token.\n" + cause);
    }
}

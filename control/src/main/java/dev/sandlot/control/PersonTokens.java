package dev.sandlot.control;

import java.util.Optional;

/** The tokens of people that older clients carry: {@code sk_e2b_} and hex digits (public-api.md 2.2). */
final class PersonTokens {
    static final String PREFIX = "sk_e2b_";

    private PersonTokens() {}

    static ApiKeys.Minted mint() {
        return ApiKeys.mint(PREFIX);
    }

    /** The stored hash of a token that begins with the prefix; empty when the rest is not hex. */
    static Optional<String> hashOf(String raw) {
        return ApiKeys.hashOf(PREFIX, raw);
    }
}

package dev.sandlot.control;

import org.jspecify.annotations.Nullable;

/**
 * A person as an identity provider names one.
 *
 * @param issuer the provider
 * @param subject the person, by the provider's own name
 * @param email the person's mail address if the provider tells it and has verified it, else null
 */
record Identity(String issuer, String subject, @Nullable String email) {
    /** Without a mail address. */
    Identity(String issuer, String subject) {
        this(issuer, subject, null);
    }
}

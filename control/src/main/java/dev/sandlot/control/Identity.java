package dev.sandlot.control;

/**
 * A person as an identity provider names one.
 *
 * @param issuer the provider
 * @param subject the person, by the provider's own name
 */
record Identity(String issuer, String subject) {}

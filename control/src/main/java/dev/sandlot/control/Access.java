package dev.sandlot.control;

/** Who may call an operation (public-api.md 2.1). */
enum Access {
    /** Anyone. */
    OPEN,
    /** A team: by API key, or an operator who names one. */
    TEAM,
    /** An operator who names a team, not an API key: keys cannot manage keys. */
    KEYS,
    /** A person, by a token of an identity provider. */
    USER,
    /** An operator. */
    OPERATOR
}

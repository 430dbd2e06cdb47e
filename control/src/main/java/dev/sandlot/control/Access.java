package dev.sandlot.control;

/** Who may call an operation (public-api.md 2.1). */
enum Access {
    /** Anyone. */
    OPEN,
    /** A team: by API key, by a person who names a team of theirs, or by an operator who names one. */
    TEAM,
    /** The same, and a person's access token, which stands for the person's default team. */
    TEAM_OR_TOKEN,
    /** A person: by an access token, or by a token of an identity provider and a team of theirs (5.5). */
    TOKEN,
    /** A person or an operator who names a team, not an API key: keys cannot manage keys. */
    KEYS,
    /** A person, by a token of an identity provider or an access token. */
    USER,
    /** A person, by a token of an identity provider alone. */
    PERSON,
    /** An operator. */
    OPERATOR
}

-- The mail address that a provider said, verified, of a person when they signed in last.
ALTER TABLE user_identities ADD COLUMN email TEXT;

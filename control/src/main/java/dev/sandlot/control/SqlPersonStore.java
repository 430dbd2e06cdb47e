package dev.sandlot.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** People in SQL. */
final class SqlPersonStore implements PersonStore {
    private final Sql sql;

    SqlPersonStore(Sql sql) {
        this.sql = sql;
    }

    /** An identity that was met before, with the mail address it had. */
    private record Known(UUID person, @Nullable String email) {
        boolean isCurrent(Identity identity) {
            return identity.email() == null || identity.email().equals(email);
        }
    }

    @Override
    public boolean addPerson(Person person) {
        return sql.writeAlone(handle ->
                (person.email() == null || isFree(handle, person.email())) && insertPerson(handle, person) == 1);
    }

    private static boolean isFree(Handle handle, String email) {
        return handle.select("SELECT COUNT(*) FROM users WHERE lower(email) = lower(?)", email)
                        .mapTo(Long.class)
                        .one()
                == 0;
    }

    private static int insertPerson(Handle handle, Person person) {
        return handle.execute(
                "INSERT INTO users (id, email, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
                person.id().toString(),
                person.email(),
                now());
    }

    @Override
    public List<Person> people() {
        return sql.read(handle -> handle.createQuery("SELECT id, email FROM users ORDER BY created_at, id")
                .map((row, context) -> new Person(UUID.fromString(row.getString("id")), row.getString("email")))
                .list());
    }

    @Override
    public boolean deletePerson(UUID userId) {
        String id = userId.toString();
        return sql.writeAlone(handle -> {
            if (!memberships(handle, id).isEmpty()) {
                return false;
            }
            handle.execute("DELETE FROM access_tokens WHERE user_id = ?", id);
            handle.execute("DELETE FROM user_identities WHERE user_id = ?", id);
            handle.execute("UPDATE team_api_keys SET created_by = NULL WHERE created_by = ?", id);
            handle.execute("UPDATE envs SET created_by = NULL WHERE created_by = ?", id);
            return handle.execute("DELETE FROM users WHERE id = ?", id) == 1;
        });
    }

    @Override
    public UUID personOf(Identity identity) {
        return sql.read(handle -> known(handle, identity))
                .filter(known -> known.isCurrent(identity))
                .map(Known::person)
                .orElseGet(() -> sql.writeAlone(handle -> met(handle, identity)));
    }

    private static UUID met(Handle handle, Identity identity) {
        Optional<Known> known = known(handle, identity);
        known.filter(old -> !old.isCurrent(identity)).ifPresent(old -> changeEmail(handle, old, identity));
        return known.map(Known::person).orElseGet(() -> insertIdentity(handle, identity));
    }

    private static Optional<Known> known(Handle handle, Identity identity) {
        return handle.select(
                        "SELECT user_id, email FROM user_identities WHERE oidc_iss = ? AND oidc_sub = ?",
                        identity.issuer(),
                        identity.subject())
                .map((row, context) -> new Known(UUID.fromString(row.getString("user_id")), row.getString("email")))
                .findOne();
    }

    /** The person follows, unless the address is another's, or theirs came from somewhere else. */
    private static void changeEmail(Handle handle, Known old, Identity identity) {
        String email = Objects.requireNonNull(identity.email());
        handle.execute(
                "UPDATE user_identities SET email = ? WHERE oidc_iss = ? AND oidc_sub = ?",
                email,
                identity.issuer(),
                identity.subject());
        if (isFree(handle, email)) {
            handle.execute(
                    "UPDATE users SET email = ? WHERE id = ? AND (email IS NULL OR email = ?)",
                    email,
                    old.person().toString(),
                    old.email() == null ? email : old.email());
        }
    }

    @Override
    public List<Identity> identities(UUID userId) {
        return sql.read(handle -> handle.select(
                        "SELECT * FROM user_identities WHERE user_id = ? ORDER BY created_at, oidc_iss, oidc_sub",
                        userId.toString())
                .map((row, context) ->
                        new Identity(row.getString("oidc_iss"), row.getString("oidc_sub"), row.getString("email")))
                .list());
    }

    /** Two servers may meet here: the one that comes second takes the person of the first. */
    private static UUID insertIdentity(Handle handle, Identity identity) {
        UUID id = UUID.randomUUID();
        String email = identity.email();
        insertPerson(handle, new Person(id, email != null && isFree(handle, email) ? email : null));
        int inserted = handle.execute("""
                INSERT INTO user_identities (oidc_iss, oidc_sub, user_id, created_at, email) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (oidc_iss, oidc_sub) DO NOTHING
                """, identity.issuer(), identity.subject(), id.toString(), now(), email);
        return inserted == 1 ? id : known(handle, identity).orElseThrow().person();
    }

    @Override
    public List<Membership> memberships(UUID userId) {
        return sql.read(handle -> memberships(handle, userId.toString()));
    }

    private static List<Membership> memberships(Handle handle, String userId) {
        String query = SqlTeamStore.select("m.is_default AS is_default", """
                JOIN users_teams m ON m.team_id = t.id
                WHERE m.user_id = :user ORDER BY m.is_default DESC, t.created_at, t.id
                """);
        return handle.createQuery(query)
                .bind("user", userId)
                .bind("now", now())
                .map((row, context) -> new Membership(SqlTeamStore.team(row), row.getBoolean("is_default")))
                .list();
    }

    @Override
    public Optional<Team> teamOf(UUID userId, UUID teamId) {
        String query = SqlTeamStore.select("t.id AS member_of", """
                JOIN users_teams m ON m.team_id = t.id WHERE m.user_id = :user AND m.team_id = :team
                """);
        return sql.read(handle -> handle.createQuery(query)
                .bind("user", userId.toString())
                .bind("team", teamId.toString())
                .bind("now", now())
                .map((row, context) -> SqlTeamStore.team(row))
                .findOne());
    }

    @Override
    public boolean addMember(UUID teamId, UUID userId) {
        return sql.writeAlone(handle -> {
            boolean isFirst = memberships(handle, userId.toString()).isEmpty();
            String insert = """
                    INSERT INTO users_teams (user_id, team_id, is_default, created_at) VALUES (?, ?, ?, ?)
                    ON CONFLICT (team_id, user_id) DO NOTHING
                    """;
            return handle.execute(insert, userId.toString(), teamId.toString(), isFirst, now()) == 1;
        });
    }

    @Override
    public Optional<Person> person(UUID userId) {
        return sql.read(handle -> handle.select("SELECT id, email FROM users WHERE id = ?", userId.toString())
                .map((row, context) -> new Person(userId, row.getString("email")))
                .findOne());
    }

    @Override
    public List<Member> members(UUID teamId) {
        String query = """
                SELECT u.id, u.email, m.is_default FROM users_teams m JOIN users u ON u.id = m.user_id
                WHERE m.team_id = ? ORDER BY m.created_at, u.id
                """;
        return sql.read(handle -> handle.select(query, teamId.toString())
                .map((row, context) -> new Member(
                        new Person(UUID.fromString(row.getString("id")), row.getString("email")),
                        row.getBoolean("is_default")))
                .list());
    }

    @Override
    public boolean removeMember(UUID teamId, UUID userId) {
        return sql.writeAlone(handle -> {
            boolean wasMember = handle.execute(
                            "DELETE FROM users_teams WHERE team_id = ? AND user_id = ?",
                            teamId.toString(),
                            userId.toString())
                    == 1;
            if (wasMember) {
                chooseDefault(handle, userId.toString());
            }
            return wasMember;
        });
    }

    private static void chooseDefault(Handle handle, String userId) {
        List<Membership> left = memberships(handle, userId);
        if (!left.isEmpty() && left.stream().noneMatch(Membership::isDefault)) {
            handle.execute(
                    "UPDATE users_teams SET is_default = TRUE WHERE user_id = ? AND team_id = ?",
                    userId,
                    left.getFirst().team().id().toString());
        }
    }

    @Override
    public Instant addToken(StoredToken stored) {
        String insert = """
                INSERT INTO access_tokens (id, user_id, name, access_token_hash, access_token_prefix,
                    access_token_length, access_token_mask_prefix, access_token_mask_suffix, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """;
        ApiKeys.Minted token = stored.token();
        long moment = now();
        sql.write(handle -> handle.execute(
                insert,
                stored.id().toString(),
                stored.userId().toString(),
                stored.name(),
                token.hash(),
                PersonTokens.PREFIX,
                token.length(),
                token.maskPrefix(),
                token.maskSuffix(),
                moment));
        return Instant.ofEpochMilli(moment);
    }

    @Override
    public Optional<UUID> personOfToken(String tokenHash) {
        return sql.read(
                handle -> handle.select("SELECT user_id FROM access_tokens WHERE access_token_hash = ?", tokenHash)
                        .mapTo(String.class)
                        .findOne()
                        .map(UUID::fromString));
    }

    @Override
    public List<ListedToken> tokens(UUID userId) {
        return sql.read(handle -> handle.select(
                        "SELECT * FROM access_tokens WHERE user_id = ? ORDER BY created_at, id", userId.toString())
                .map((row, context) -> token(row))
                .list());
    }

    private static ListedToken token(ResultSet row) throws SQLException {
        return new ListedToken(
                UUID.fromString(row.getString("id")),
                UUID.fromString(row.getString("user_id")),
                row.getString("name"),
                new KeyMask(
                        row.getString("access_token_prefix"),
                        row.getInt("access_token_length"),
                        row.getString("access_token_mask_prefix"),
                        row.getString("access_token_mask_suffix")),
                row.getLong("created_at"));
    }

    @Override
    public boolean deleteToken(UUID userId, UUID tokenId) {
        return sql.write(handle -> handle.execute(
                        "DELETE FROM access_tokens WHERE id = ? AND user_id = ?", tokenId.toString(), userId.toString())
                == 1);
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}

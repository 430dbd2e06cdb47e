package dev.sandlot.control;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** People: how identity providers know them, the teams they belong to, the tokens they carry. */
interface PersonStore {
    /** A person. */
    record Person(UUID id, @Nullable String email) {}

    /** A team that a person belongs to. */
    record Membership(Team team, boolean isDefault) {}

    /** A token as it is stored. */
    record StoredToken(UUID id, UUID userId, String name, ApiKeys.Minted token) {}

    /** A token as it is listed. */
    record ListedToken(UUID id, UUID userId, String name, KeyMask mask, long createdAtMillis) {}

    /** A person in a team. */
    record Member(Person person, boolean isDefault) {}

    /** The person of that ID. */
    Optional<Person> person(UUID userId);

    /** Who belongs to a team, the oldest member first. */
    List<Member> members(UUID teamId);

    /** Makes a person, unless another has the mail address, in whatever case; says whether it did. */
    boolean addPerson(Person person);

    List<Person> people();

    /** Removes a person who belongs to no team, with tokens and identities; says whether there was one. */
    boolean deletePerson(UUID userId);

    /**
     * The person that an identity provider means, who is made, without teams, when new. The mail address becomes the
     * person's, unless another has it; the identity keeps it in any case.
     */
    UUID personOf(Identity identity);

    /** How identity providers know a person, the oldest first. */
    List<Identity> identities(UUID userId);

    /** The teams of a person, the default first, then the oldest. */
    List<Membership> memberships(UUID userId);

    /** The team, if the person belongs to it. */
    Optional<Team> teamOf(UUID userId, UUID teamId);

    /** Puts a person into a team; the first team is the default one. Says whether that is new. */
    boolean addMember(UUID teamId, UUID userId);

    /**
     * Takes a person out of a team; says whether the person was in it. If it was the default team, the oldest of the
     * person's others becomes that.
     */
    boolean removeMember(UUID teamId, UUID userId);

    /** Stores a token and returns when. */
    Instant addToken(StoredToken token);

    /** Whose token that is. */
    Optional<UUID> personOfToken(String tokenHash);

    List<ListedToken> tokens(UUID userId);

    /** Removes a token of the person; says whether there was one. */
    boolean deleteToken(UUID userId, UUID tokenId);
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Headers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The operator's secret, alone or with the team that is meant. */
final class OperatorScheme implements Scheme {
    private static final String HEADER = "X-Admin-Token";

    private final byte @Nullable [] tokenHash;
    private final @Nullable TeamStore teams;

    /**
     * @param token null when there is no operator
     * @param teams null when no team is asked for
     */
    OperatorScheme(@Nullable String token, @Nullable TeamStore teams) {
        this.tokenHash = token == null ? null : hash(token);
        this.teams = teams;
    }

    @Override
    public boolean isOffered(Headers headers) {
        return headers.has(HEADER);
    }

    @Override
    public Caller check(Headers headers) throws ApiException {
        String token = headers.first(HEADER).orElse("");
        if (tokenHash == null || !MessageDigest.isEqual(tokenHash, hash(token))) {
            throw Scheme.refused("Invalid Access token.");
        }
        return teams == null ? Caller.NOBODY : Caller.of(team(teams, headers));
    }

    private static Team team(TeamStore teams, Headers headers) throws ApiException {
        UUID id = headers.first(PersonScheme.TEAM_HEADER)
                .flatMap(Uuids::parse)
                .orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Invalid team ID"));
        return teams.byId(id).orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "Team not found"));
    }

    /** Secrets are compared by their hashes, which are of one length. */
    private static byte[] hash(String secret) {
        return ApiKeys.sha256(secret.getBytes(StandardCharsets.UTF_8));
    }
}

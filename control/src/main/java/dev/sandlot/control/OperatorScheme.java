package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Headers;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** An operator, alone or with the team that is meant. */
final class OperatorScheme implements Scheme {
    private final Operators operators;
    private final @Nullable TeamStore teams;

    /** @param teams null when no team is asked for */
    OperatorScheme(Operators operators, @Nullable TeamStore teams) {
        this.operators = operators;
        this.teams = teams;
    }

    @Override
    public boolean isOffered(Headers headers) {
        return operators.areOffered(headers);
    }

    @Override
    public Caller check(Headers headers) throws ApiException {
        operators.check(headers);
        return teams == null ? Caller.NOBODY : Caller.of(team(teams, headers));
    }

    private static Team team(TeamStore teams, Headers headers) throws ApiException {
        UUID id = headers.first(PersonScheme.TEAM_HEADER)
                .flatMap(Uuids::parse)
                .orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Invalid team ID"));
        return teams.required(id);
    }
}

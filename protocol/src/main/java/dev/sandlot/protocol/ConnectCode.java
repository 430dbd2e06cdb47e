package dev.sandlot.protocol;

import java.util.Locale;

/** The error codes of the Connect protocol and the HTTP status of a unary answer (envd.md 5.5). */
public enum ConnectCode {
    CANCELED(499),
    UNKNOWN(500),
    INVALID_ARGUMENT(400),
    DEADLINE_EXCEEDED(504),
    NOT_FOUND(404),
    ALREADY_EXISTS(409),
    PERMISSION_DENIED(403),
    RESOURCE_EXHAUSTED(429),
    FAILED_PRECONDITION(400),
    ABORTED(409),
    OUT_OF_RANGE(400),
    UNIMPLEMENTED(501),
    INTERNAL(500),
    UNAVAILABLE(503),
    DATA_LOSS(500),
    UNAUTHENTICATED(401);

    private final int httpStatus;
    private final String wireName = name().toLowerCase(Locale.ROOT);

    ConnectCode(int httpStatus) {
        this.httpStatus = httpStatus;
    }

    /** The HTTP status of a unary error with this code. */
    public int httpStatus() {
        return httpStatus;
    }

    /** The code as it stands in JSON, for example {@code not_found}. */
    public String wireName() {
        return wireName;
    }
}

package dev.sandlot.protocol;

/** The kinds of failure this program tells apart, with their HTTP status and Connect code in one place. */
public enum ErrorKind {
    INVALID(400, ConnectCode.INVALID_ARGUMENT),
    UNAUTHENTICATED(401, ConnectCode.UNAUTHENTICATED),
    FORBIDDEN(403, ConnectCode.PERMISSION_DENIED),
    NOT_FOUND(404, ConnectCode.NOT_FOUND),
    OVERDUE(408, ConnectCode.DEADLINE_EXCEEDED),
    CONFLICT(409, ConnectCode.ALREADY_EXISTS),
    GONE(410, ConnectCode.UNIMPLEMENTED),
    TOO_LARGE(413, ConnectCode.RESOURCE_EXHAUSTED),
    UNSUPPORTED(415, ConnectCode.INVALID_ARGUMENT),
    UNPROCESSABLE(422, ConnectCode.FAILED_PRECONDITION),
    LIMITED(429, ConnectCode.RESOURCE_EXHAUSTED),
    INTERNAL(500, ConnectCode.INTERNAL),
    UNIMPLEMENTED(501, ConnectCode.UNIMPLEMENTED),
    UNREACHABLE(502, ConnectCode.UNAVAILABLE),
    UNAVAILABLE(503, ConnectCode.UNAVAILABLE),
    TIMED_OUT(504, ConnectCode.DEADLINE_EXCEEDED),
    NO_SPACE(507, ConnectCode.RESOURCE_EXHAUSTED);

    private final int httpStatus;
    private final ConnectCode connectCode;

    ErrorKind(int httpStatus, ConnectCode connectCode) {
        this.httpStatus = httpStatus;
        this.connectCode = connectCode;
    }

    /** The status a REST answer carries. */
    public int httpStatus() {
        return httpStatus;
    }

    /** The code a Connect answer carries. */
    public ConnectCode connectCode() {
        return connectCode;
    }
}

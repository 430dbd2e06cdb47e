package dev.sandlot.images;

/** The registry's own error codes with the status each is told by (OCI distribution specification, "Error codes"). */
public enum RegistryError {
    BLOB_UNKNOWN(404),
    BLOB_UPLOAD_INVALID(400),
    BLOB_UPLOAD_UNKNOWN(404),
    DENIED(403),
    DIGEST_INVALID(400),
    MANIFEST_BLOB_UNKNOWN(400),
    MANIFEST_INVALID(400),
    MANIFEST_UNKNOWN(404),
    NAME_INVALID(400),
    NAME_UNKNOWN(404),
    PAGINATION_NUMBER_INVALID(400),
    RANGE_INVALID(416),
    SIZE_INVALID(400),
    TAG_INVALID(400),
    TOO_LARGE(413, "SIZE_INVALID"),
    TOOMANYREQUESTS(429),
    UNAUTHORIZED(401),
    BAD_LOGIN(400, "UNAUTHORIZED"),
    UNSUPPORTED(405),
    NOT_SERVED(404, "UNSUPPORTED"),
    UNREACHABLE(502, "UNKNOWN"),
    NO_SPACE(507, "UNKNOWN"),
    UNKNOWN(500);

    private final int status;
    private final String code;

    RegistryError(int status) {
        this.status = status;
        this.code = name();
    }

    RegistryError(int status, String code) {
        this.status = status;
        this.code = code;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** The code in the body. */
    public String code() {
        return code;
    }
}

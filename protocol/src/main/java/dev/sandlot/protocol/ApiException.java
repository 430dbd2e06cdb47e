package dev.sandlot.protocol;

import org.jspecify.annotations.Nullable;

/**
 * A failure with a meaning for the caller: its kind and a text that says what happened, to what and why.
 * It becomes {@code {code, message, error_code?}} at the REST API (public-api.md 1.2).
 */
public final class ApiException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ErrorKind kind;
    private final @Nullable String errorCode;

    public ApiException(ErrorKind kind, String message) {
        this(kind, message, null, null);
    }

    public ApiException(ErrorKind kind, String message, Throwable cause) {
        this(kind, message, null, cause);
    }

    /** @param errorCode the machine-readable code of public-api.md 1.3, or null */
    public ApiException(ErrorKind kind, String message, @Nullable String errorCode, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.errorCode = errorCode;
    }

    public ErrorKind kind() {
        return kind;
    }

    /** The text for the caller. */
    public String text() {
        String message = getMessage();
        return message == null ? kind.name() : message;
    }

    /** The machine-readable code, or null when the case has none. */
    public @Nullable String errorCode() {
        return errorCode;
    }
}

package dev.sandlot.protocol;

/** A failure of a Connect call: its code and a text for the caller (envd.md 5.5). */
public final class ConnectException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ConnectCode code;
    private final String text;

    public ConnectException(ConnectCode code, String message) {
        super(message);
        this.code = code;
        this.text = message;
    }

    public ConnectException(ConnectCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.text = message;
    }

    /** What kind of failure it is. */
    public ConnectCode code() {
        return code;
    }

    /** The text for the caller. */
    public String text() {
        return text;
    }
}

package dev.sandlot.protocol;

/** A failed Connect call: the code the client sees and a text that says what happened, to what and why. */
public final class ConnectException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ConnectCode code;

    public ConnectException(ConnectCode code, String message) {
        super(message);
        this.code = code;
    }

    public ConnectException(ConnectCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** The code of envd.md 5.5. */
    public ConnectCode code() {
        return code;
    }

    /** The text for the client; empty when there is none. */
    public String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}

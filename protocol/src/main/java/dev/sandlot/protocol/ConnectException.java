package dev.sandlot.protocol;

import com.google.protobuf.Any;
import java.util.List;

/** A failed Connect call: the code the client sees and a text that says what happened, to what and why. */
public final class ConnectException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ConnectCode code;
    private final transient List<Any> details;

    public ConnectException(ConnectCode code, String message) {
        this(code, message, List.of());
    }

    /** @param details what programs may read besides the code */
    public ConnectException(ConnectCode code, String message, List<Any> details) {
        super(message);
        this.code = code;
        this.details = List.copyOf(details);
    }

    public ConnectException(ConnectCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.details = List.of();
    }

    /** The code of envd.md 5.5. */
    public ConnectCode code() {
        return code;
    }

    /** What programs may read besides the code. */
    List<Any> details() {
        return details;
    }

    /** The text for the client; empty when there is none. */
    public String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}

package dev.sandlot.builds;

import java.io.Serial;

/** A template's start command failed, or its ready command did not say yes in time; the message is for the user. */
public final class NotReadyException extends Exception {
    @Serial
    private static final long serialVersionUID = 1;

    NotReadyException(String message) {
        super(message);
    }

    /** The same with what a command said last, if it said anything. */
    public NotReadyException saying(String last) {
        return last.isEmpty() ? this : new NotReadyException(text() + ": " + last);
    }

    /** What the user is told. */
    public String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}

package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;

/** A request to the REST part that failed: the status and the text of its answer. */
final class RestException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String text;

    RestException(int status, String text) {
        super(text);
        this.status = status;
        this.text = FileNames.printable(text);
    }

    RestException(int status, String text, Throwable cause) {
        super(text, cause);
        this.status = status;
        this.text = FileNames.printable(text);
    }

    int status() {
        return status;
    }

    String text() {
        return text;
    }
}

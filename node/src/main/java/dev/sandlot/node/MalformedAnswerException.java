package dev.sandlot.node;

import java.io.IOException;

/** A service in a sandbox broke the rules of HTTP/1.1. */
final class MalformedAnswerException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedAnswerException(String message) {
        super(message);
    }
}

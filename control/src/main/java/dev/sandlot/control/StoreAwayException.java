package dev.sandlot.control;

import org.jspecify.annotations.Nullable;

/** The store does not answer now, or another server has it. It was told of in the log when that began. */
final class StoreAwayException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StoreAwayException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}

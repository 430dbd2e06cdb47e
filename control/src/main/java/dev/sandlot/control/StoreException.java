package dev.sandlot.control;

import org.jspecify.annotations.Nullable;

/** The store cannot be reached, refuses, or is not what it should be. The message says which store and why. */
public final class StoreException extends RuntimeException {
    StoreException(String message) {
        super(message);
    }

    StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}

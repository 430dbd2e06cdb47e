package dev.sandlot.runtime;

import org.jspecify.annotations.Nullable;

/** Something the runtime could not do: what, to which sandbox, and why. */
public final class RuntimeFailure extends Exception {
    private static final long serialVersionUID = 1L;

    public RuntimeFailure(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}

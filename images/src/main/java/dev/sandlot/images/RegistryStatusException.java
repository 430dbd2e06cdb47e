package dev.sandlot.images;

import java.io.IOException;

/** A registry that is not well now; asking again may help. */
public final class RegistryStatusException extends IOException {
    private static final long serialVersionUID = 1L;

    RegistryStatusException(String message) {
        super(message);
    }
}

package dev.sandlot.images;

import java.io.IOException;

/** Nobody answers where a registry should be. */
public final class RegistryUnreachableException extends IOException {
    private static final long serialVersionUID = 1L;

    RegistryUnreachableException(String registry, IOException cause) {
        super("the registry " + registry + " does not answer", cause);
    }
}

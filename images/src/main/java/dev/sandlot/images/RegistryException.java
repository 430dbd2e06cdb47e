package dev.sandlot.images;

/** A request that the registry refuses: why, and a text for whoever made it. */
public final class RegistryException extends Exception {
    private static final long serialVersionUID = 1L;

    private final RegistryError error;

    public RegistryException(RegistryError error, String message) {
        super(message);
        this.error = error;
    }

    /** Why. */
    public RegistryError error() {
        return error;
    }

    /** The text for the client. */
    public String text() {
        String message = getMessage();
        return message == null ? error.code() : message;
    }
}

package dev.sandlot.images;

import java.io.IOException;

/** A layer archive that is damaged, hostile, too large, or not the one that was asked for; nothing of it is kept. */
public final class BadLayerException extends IOException {
    private static final long serialVersionUID = 1L;

    public BadLayerException(String message) {
        super(message);
    }
}

package dev.sandlot.images;

import java.io.IOException;

/** An image that cannot be had, for a reason that its user can do something about (template-build.md 13). */
public final class ImageRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    public ImageRefusedException(String message) {
        super(message);
    }

    ImageRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}

package dev.sandlot.images;

import java.io.IOException;

/** Content on the disk whose bytes are not what its digest says. */
final class DamagedContentException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedContentException(Digest digest) {
        super("content " + digest
                + " of the registry is damaged on the disk; it was set aside and must be pushed anew");
    }
}

package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells that something failed because no room was left on the disk. */
public final class FullDisk {
    private static final long SPARE_BYTES = 16L << 20;
    private static final int MAX_CAUSES = 16;

    private FullDisk() {}

    /** Whether a failure comes from that. */
    public static boolean caused(Throwable failure) {
        Throwable at = failure;
        for (int i = 0; i < MAX_CAUSES && at != null; i++) {
            if (at instanceof LinuxException e && (e.is(Errno.ENOSPC) || e.is(Errno.EDQUOT))) {
                return true;
            }
            String message = String.valueOf(at.getMessage());
            if (message.contains("No space left on device") || message.contains("Disk quota exceeded")) {
                return true;
            }
            at = at.getCause();
        }
        return false;
    }

    /** Whether nearly nothing is left now where a path is. */
    public static boolean isAt(Path path) throws IOException {
        return Files.getFileStore(path).getUsableSpace() < SPARE_BYTES;
    }
}

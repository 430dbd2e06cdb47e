package dev.sandlot.images;

import java.util.Map;

/**
 * The header of one entry of a tar archive, extended headers applied.
 *
 * <p>{@code path}, {@code link} and the values of {@code xattrs} hold one byte a character (ISO 8859-1), because
 * names and attributes are bytes to the kernel.
 */
record TarEntry(
        Type type,
        String path,
        String link,
        int mode,
        int uid,
        int gid,
        long size,
        long seconds,
        int nanos,
        Map<String, String> xattrs) {
    enum Type {
        FILE,
        DIRECTORY,
        SYMLINK,
        HARD_LINK,
        FIFO,
        CHARACTER_DEVICE,
        BLOCK_DEVICE
    }

    TarEntry {
        xattrs = Map.copyOf(xattrs);
    }
}

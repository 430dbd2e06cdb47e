package dev.sandlot.linux;

/** What a directory entry is. */
public enum FileKind {
    REGULAR(0x8000),
    DIRECTORY(0x4000),
    SYMLINK(0xA000),
    FIFO(0x1000),
    SOCKET(0xC000),
    BLOCK_DEVICE(0x6000),
    CHARACTER_DEVICE(0x2000),
    UNKNOWN(0);

    private final int bits;

    FileKind(int bits) {
        this.bits = bits;
    }

    /** The kind that the type bits of a mode tell. */
    static FileKind ofMode(int mode) {
        for (FileKind kind : values()) {
            if (kind.bits == (mode & 0xF000)) {
                return kind;
            }
        }
        return UNKNOWN;
    }
}

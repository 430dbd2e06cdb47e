package dev.sandlot.linux;

/** Flags of {@link FileTree#open}: how to open, and how to resolve the path. */
public final class Open {
    static final boolean ARM = System.getProperty("os.arch").equals("aarch64");

    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int READ_WRITE = 2;
    public static final int CREATE = 0x40;
    public static final int EXCLUSIVE = 0x80;
    static final int APPEND = 0x400;
    public static final int TRUNCATE = 0x200;
    public static final int NONBLOCK = 0x800;
    public static final int DIRECTORY = ARM ? 0x4000 : 0x10000;
    public static final int NOFOLLOW = ARM ? 0x8000 : 0x20000;
    /** A handle on the place alone: nothing is read, no driver is asked. */
    public static final int PATH = 0x200000;

    /** Resolution fails where another file system is mounted. */
    public static final long NO_MOUNTS = 0x01;
    /** Resolution fails on links like {@code /proc/1/root}. */
    public static final long NO_MAGICLINKS = 0x02;
    /** Resolution fails on any symbolic link. */
    public static final long NO_SYMLINKS = 0x04;
    /** Resolution fails when it would leave the directory. */
    public static final long BENEATH = 0x08;
    /** The directory is the root of the resolution: absolute paths, absolute links and {@code ..} stay in it. */
    public static final long IN_ROOT = 0x10;

    static final int NOCTTY = 0x100;
    static final int CLOEXEC = 0x80000;

    /** Nothing but plain names below the directory: neither links nor ways out. */
    public static final long PLAIN = BENEATH | NO_SYMLINKS;

    private Open() {}
}

package dev.sandlot.envd;

/**
 * How users of a sandbox are numbered on this machine: user {@code u} of the sandbox is {@code base + u} here.
 *
 * @param size how many users the sandbox has; others do not exist in it
 */
public record IdRange(int base, int size) {
    /** No translation: the sandbox is this machine, or its guest. */
    public static final IdRange SAME = new IdRange(0, Integer.MAX_VALUE);

    /** Who owns what no user of the sandbox owns. */
    public static final int NOBODY = 65534;

    public IdRange {
        if (base < 0 || size <= 0 || base > Integer.MAX_VALUE - size) {
            throw new IllegalArgumentException("not a range of user numbers: " + base + " + " + size);
        }
    }

    /** Whether the sandbox has this user or group. */
    public boolean contains(int id) {
        return id >= 0 && id < size;
    }

    /**
     * The number on this machine.
     *
     * @throws IllegalArgumentException when the sandbox has no such user
     */
    public int toMachine(int id) {
        if (!contains(id)) {
            throw new IllegalArgumentException("user number " + id + " is outside the sandbox");
        }
        return base + id;
    }

    /** The number in the sandbox; {@link #NOBODY} for who is not of the sandbox. */
    public int toSandbox(int id) {
        return id >= base && id - base < size ? id - base : NOBODY;
    }
}

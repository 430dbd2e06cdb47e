package dev.sandlot.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Terminals, from their controlling side. */
public final class Terminals {
    private static final long TIOCGWINSZ = 0x5413;
    private static final long TIOCSWINSZ = 0x5414;
    private static final long WINSIZE_BYTES = 8;

    /** How large a terminal is, in characters. */
    public record Size(int columns, int rows) {}

    private Terminals() {}

    /** Sets the size; the processes in the foreground are told by {@code SIGWINCH}. */
    public static void resize(Fd terminal, Size size) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = arena.allocate(WINSIZE_BYTES, 2);
            window.set(ValueLayout.JAVA_SHORT, 0, (short) size.rows());
            window.set(ValueLayout.JAVA_SHORT, 2, (short) size.columns());
            Syscall.IOCTL.call("TIOCSWINSZ", terminal.number(), TIOCSWINSZ, window.address());
        }
    }

    /** The size it has. */
    public static Size size(Fd terminal) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = arena.allocate(WINSIZE_BYTES, 2);
            Syscall.IOCTL.call("TIOCGWINSZ", terminal.number(), TIOCGWINSZ, window.address());
            int rows = Short.toUnsignedInt(window.get(ValueLayout.JAVA_SHORT, 0));
            return new Size(Short.toUnsignedInt(window.get(ValueLayout.JAVA_SHORT, 2)), rows);
        }
    }
}

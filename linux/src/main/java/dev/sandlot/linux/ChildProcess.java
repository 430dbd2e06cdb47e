package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A program started by {@code posix_spawn} from the calling thread, whose namespaces and control groups it inherits:
 * the reason why {@link ProcessBuilder} will not do. It gets the descriptors it is given and no others, a session of
 * its own and no blocked signals. Whoever starts it must wait for it.
 */
public final class ChildProcess {
    private static final int OPAQUE_STRUCT_SIZE = 1024;
    private static final int SIGSET_SIZE = 128;
    /** Above every number a child is given, so that no assignment overwrites the source of another. */
    private static final int ABOVE_ASSIGNED = 64;

    private static final short SETSIGDEF_SETSIGMASK_SETSID = 0x04 | 0x08 | 0x80;

    private static final MethodHandle SPAWN =
            Native.call("posix_spawn", INT, POINTER, POINTER, POINTER, POINTER, POINTER, POINTER);
    private static final MethodHandle ACTIONS_INIT = Native.call("posix_spawn_file_actions_init", INT, POINTER);
    private static final MethodHandle ACTIONS_DUP2 =
            Native.call("posix_spawn_file_actions_adddup2", INT, POINTER, INT, INT);
    private static final MethodHandle ACTIONS_DESTROY = Native.call("posix_spawn_file_actions_destroy", INT, POINTER);
    private static final MethodHandle ATTR_INIT = Native.call("posix_spawnattr_init", INT, POINTER);
    private static final MethodHandle ATTR_FLAGS =
            Native.call("posix_spawnattr_setflags", INT, POINTER, java.lang.foreign.ValueLayout.JAVA_SHORT);
    private static final MethodHandle ATTR_DEFAULTS =
            Native.call("posix_spawnattr_setsigdefault", INT, POINTER, POINTER);
    private static final MethodHandle FILL = Native.call("sigfillset", INT, POINTER);

    private static final int PR_SET_CHILD_SUBREAPER = 36;

    private final int pid;

    private ChildProcess(int pid) {
        this.pid = pid;
    }

    /**
     * Starts a program.
     *
     * @param command an absolute path, then its arguments
     * @param environment the whole environment
     * @param descriptors what it gets, by the number it sees
     */
    public static ChildProcess start(
            List<String> command, Map<String, String> environment, Map<Integer, Fd> descriptors) throws LinuxException {
        List<Fd> moved = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(OPAQUE_STRUCT_SIZE, Long.BYTES);
            check(command, (int) ACTIONS_INIT.invokeExact(actions));
            try {
                for (Map.Entry<Integer, Fd> entry : descriptors.entrySet()) {
                    Fd high = Io.duplicate(entry.getValue(), ABOVE_ASSIGNED);
                    moved.add(high);
                    check(command, (int) ACTIONS_DUP2.invokeExact(actions, high.number(), (int) entry.getKey()));
                }
                return spawn(arena, command, environment, actions);
            } finally {
                int _ = (int) ACTIONS_DESTROY.invokeExact(actions);
            }
        } catch (LinuxException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        } finally {
            moved.forEach(Fd::close);
        }
    }

    /** Makes this process the parent of what its children leave behind, which is then to be reaped here. */
    public static void adoptOrphans() throws LinuxException {
        Syscall.PRCTL.call("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1);
    }

    /** The process number. */
    public int pid() {
        return pid;
    }

    /**
     * Waits for the end and reaps. Call once, from a platform thread.
     *
     * @return the exit code, or 128 and the signal's number
     */
    public int await() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(INT);
            Syscall.WAIT4.call(Integer.toString(pid), pid, status.address());
            int raw = status.get(INT, 0);
            return (raw & 0x7f) == 0 ? raw >> 8 & 0xff : 128 + (raw & 0x7f);
        }
    }

    private static ChildProcess spawn(
            Arena arena, List<String> command, Map<String, String> environment, MemorySegment actions)
            throws Throwable {
        MemorySegment attributes = arena.allocate(OPAQUE_STRUCT_SIZE, Long.BYTES);
        MemorySegment signals = arena.allocate(SIGSET_SIZE, Long.BYTES);
        check(command, (int) ATTR_INIT.invokeExact(attributes));
        int _ = (int) FILL.invokeExact(signals);
        check(command, (int) ATTR_DEFAULTS.invokeExact(attributes, signals));
        check(command, (int) ATTR_FLAGS.invokeExact(attributes, SETSIGDEF_SETSIGMASK_SETSID));
        MemorySegment pid = arena.allocate(INT);
        List<String> variables = environment.entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .toList();
        int result = (int) SPAWN.invokeExact(
                pid,
                arena.allocateFrom(command.getFirst()),
                actions,
                attributes,
                strings(arena, command),
                strings(arena, variables));
        check(command, result);
        return new ChildProcess(pid.get(INT, 0));
    }

    private static MemorySegment strings(Arena arena, List<String> values) {
        MemorySegment array = arena.allocate(POINTER, values.size() + 1L);
        for (int i = 0; i < values.size(); i++) {
            array.setAtIndex(POINTER, i, arena.allocateFrom(values.get(i)));
        }
        return array;
    }

    private static void check(List<String> command, int number) throws LinuxException {
        if (number != 0) {
            throw new LinuxException("posix_spawn", command.getFirst(), number);
        }
    }
}

package dev.sandlot.supervisor;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.UnixSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A supervisor as PID 1 of a pid namespace, with its listening socket as descriptor 3. */
final class SandboxProcess implements AutoCloseable {
    static final Duration TIMEOUT = Duration.ofSeconds(20);

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle INIT = handle("posix_spawn_file_actions_init", ValueLayout.ADDRESS);
    private static final MethodHandle DUP2 =
            handle("posix_spawn_file_actions_adddup2", ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    private static final MethodHandle SPAWN = handle(
            "posix_spawnp",
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS);
    private static final MethodHandle KILL = handle("kill", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    private static final MethodHandle WAITPID =
            handle("waitpid", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    private static final int FILE_ACTIONS_BYTES = 256;

    private final Path socket;
    private final int pid;

    private SandboxProcess(Path socket, int pid) {
        this.socket = socket;
        this.pid = pid;
    }

    static SandboxProcess start(Path directory) throws Throwable {
        return start(directory, List.of(), List.of());
    }

    /**
     * @param outside what runs the namespaces' maker
     * @param inside what runs the supervisor, as its PID 1 before it
     */
    static SandboxProcess start(Path directory, List<String> outside, List<String> inside) throws Throwable {
        Path program = directory.resolve("supervisor");
        SupervisorBinary.installTo(program);
        return start(directory, program, outside, inside);
    }

    static SandboxProcess start(Path directory, Path program, List<String> outside, List<String> inside)
            throws Throwable {
        Path socket = directory.resolve("socket");
        List<String> command = new ArrayList<>(outside);
        command.addAll(
                List.of("unshare", "--pid", "--mount", "--cgroup", "--fork", "--kill-child", "--mount-proc", "--"));
        command.addAll(inside);
        command.add(program.toString());
        try (UnixSocket listener = UnixSocket.listen(socket)) {
            return new SandboxProcess(socket, spawn(command, listener.fd().number()));
        }
    }

    SupervisorConnection connect(EventLoop loop, Supervisor.ExitListener exits) throws IOException {
        return SupervisorConnection.connect(loop, socket, exits, TIMEOUT);
    }

    Path socket() {
        return socket;
    }

    @Override
    public void close() throws IOException {
        try {
            int _ = (int) KILL.invokeExact(pid, 9);
            int _ = (int) WAITPID.invokeExact(pid, MemorySegment.NULL, 0);
        } catch (Throwable t) {
            throw new IOException(t);
        }
    }

    private static int spawn(List<String> command, int listener) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(FILE_ACTIONS_BYTES, 8);
            int failed = (int) INIT.invokeExact(actions);
            failed |= (int) DUP2.invokeExact(actions, listener, 3);
            MemorySegment pid = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment name = arena.allocateFrom(command.getFirst());
            MemorySegment environment = strings(arena, List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
            failed |= (int)
                    SPAWN.invokeExact(pid, name, actions, MemorySegment.NULL, strings(arena, command), environment);
            if (failed != 0) {
                throw new IOException("posix_spawn: " + failed);
            }
            return pid.get(ValueLayout.JAVA_INT, 0);
        }
    }

    private static MemorySegment strings(Arena arena, List<String> values) {
        MemorySegment array = arena.allocate(ValueLayout.ADDRESS, values.size() + 1);
        for (int i = 0; i < values.size(); i++) {
            array.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(values.get(i)));
        }
        return array;
    }

    private static MethodHandle handle(String name, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }
}

package dev.sandlot.supervisor;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.LinuxException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the PID 1 of one sandbox: it starts processes there and hands their pipes or terminal out as
 * descriptors. Safe for several threads. Process numbers are those seen inside the sandbox.
 *
 * <p>The supervisor keeps a duplicate of every descriptor it handed out, and the exit of every process, until
 * {@link #release}: after a restart a new connection finds all of it again through {@link #list} and
 * {@link #attach}, and nothing that was written is lost.
 */
public interface Supervisor extends AutoCloseable {
    /** How a process gets its standard streams. */
    sealed interface Streams {
        /** Pipes for output and errors, and for input when {@code stdin}, else {@code /dev/null}. */
        record Pipes(boolean stdin) implements Streams {}

        /** One terminal for all three, in a session of its own. */
        record Terminal(int columns, int rows) implements Streams {}
    }

    /**
     * What to start.
     *
     * @param command looked up in the {@code PATH} of {@code environment} when it has no slash
     * @param arguments without the command itself
     * @param environment the whole environment; nothing is inherited
     * @param directory where it starts, entered as the user; absolute
     * @param uid user as seen in the sandbox
     * @param gid primary group
     * @param groups supplementary groups
     * @param streams pipes or terminal
     * @param cookie a number of the caller's that {@link #list} gives back
     */
    record SpawnRequest(
            String command,
            List<String> arguments,
            Map<String, String> environment,
            String directory,
            int uid,
            int gid,
            List<Integer> groups,
            Streams streams,
            long cookie) {
        public SpawnRequest {
            arguments = List.copyOf(arguments);
            environment = Map.copyOf(environment);
            groups = List.copyOf(groups);
        }
    }

    /**
     * Our ends of a process's streams, non-blocking; the caller closes them. With a terminal, {@code output} is its
     * controlling side, to read and to write, and the others are null. {@code input} is null without stdin.
     */
    record Ends(@Nullable Fd input, Fd output, @Nullable Fd errors) implements AutoCloseable {
        @Override
        public void close() {
            if (input != null) {
                input.close();
            }
            output.close();
            if (errors != null) {
                errors.close();
            }
        }
    }

    /** A process that was started. */
    record Spawned(int pid, Ends ends) {}

    /**
     * A process the supervisor knows.
     *
     * @param rawStatus the status of wait(2) once it has ended, -1 while it runs
     */
    record Child(int pid, long cookie, int rawStatus) {
        /** Whether it has ended. */
        public boolean ended() {
            return rawStatus >= 0;
        }
    }

    /**
     * Told of each end, on the thread that reads the connection: must not block. An end may be told before
     * {@link #spawn} has returned the number to its caller, never before the supervisor has answered it.
     */
    @FunctionalInterface
    interface ExitListener {
        /** @param rawStatus the status as wait(2) gives it */
        void exited(int pid, int rawStatus);
    }

    /**
     * Starts a process and returns once it is running its command or has failed to. A command that is not found is
     * no failure: the process says so on its errors and exits with 127, as a shell would.
     *
     * @throws SpawnException when a step before running the command failed, with the step and its errno
     * @throws IOException when the connection is gone
     */
    Spawned spawn(SpawnRequest request) throws SpawnException, IOException;

    /**
     * Sends a signal to one process that {@link #spawn} started.
     *
     * @throws LinuxException {@code ESRCH} when it has ended or is not known
     */
    void signal(int pid, int signal) throws IOException;

    /** All processes that were started and not released. */
    List<Child> list() throws IOException;

    /** Hands out the ends of a process's streams again, for a caller that has lost them. */
    Ends attach(int pid) throws IOException;

    /** Closes the supervisor's duplicate of a process's input, so that closing ours is its end of file. */
    void closeInput(int pid) throws IOException;

    /** Lets the supervisor forget an ended process and its descriptors. */
    void release(int pid) throws IOException;

    /** Whether the connection still stands. It ends when the sandbox does. */
    boolean isOpen();

    /** Runs the action when the connection ends, at once if it has. */
    void onClose(Runnable action);

    @Override
    void close();
}

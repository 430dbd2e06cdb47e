package dev.sandlot.builds;

import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.LayerRecord;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A sandbox that a build works in. Closing it ends it and throws away what was not committed. */
public interface WorkSandbox extends Commands, AutoCloseable {
    /**
     * A program to run.
     *
     * @param arguments the program and what it is given
     * @param user who runs it, as USER has it; names must be known to the sandbox
     * @param workdir where; must be there
     * @param env its variables, over those of the user
     * @param limit how long it may take
     */
    record Command(List<String> arguments, String user, String workdir, Map<String, String> env, Duration limit) {
        public Command {
            arguments = List.copyOf(arguments);
            env = Map.copyOf(env);
        }
    }

    /** How a command ended: its exit code, or 128 and the signal's number. */
    record Ended(int exitCode) {
        public boolean isOk() {
            return exitCode == 0;
        }
    }

    /** Told of every line of a command's output, in the order of each stream, without its line end. */
    interface Lines {
        void stdout(String line);

        void stderr(String line);
    }

    /** Its files, whatever runs in it. */
    SandboxFiles files();

    /**
     * Ends all processes and makes a layer of what changed since the sandbox was started. To be called once.
     *
     * @return a record with one entry, the root directory, when nothing changed; there is no layer then
     */
    LayerRecord commit() throws IOException;

    @Override
    void close();
}

package dev.sandlot.envd;

import dev.sandlot.linux.Errno;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.process.PTY;
import dev.sandlot.protocol.process.ProcessConfig;
import dev.sandlot.protocol.process.StartRequest;
import dev.sandlot.supervisor.SpawnException;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.util.Map;

/** Turns a request into a running process (envd.md 7.4). */
final class ProcessLauncher {
    private static final int MAX_TERMINAL_SIDE = 0xffff;

    private final Supervisor supervisor;
    private final EnvdSettings settings;

    ProcessLauncher(Supervisor supervisor, EnvdSettings settings) {
        this.supervisor = supervisor;
        this.settings = settings;
    }

    /** Starts the process as the user. */
    Supervisor.Spawned launch(Account user, StartRequest request, long cookie) throws ConnectException {
        ProcessConfig config = request.getProcess();
        String directory = directory(user, config.getCwd());
        try {
            return supervisor.spawn(spawnRequest(user, request, directory, cookie));
        } catch (SpawnException e) {
            throw new ConnectException(code(e), explain(e, config, directory), e);
        } catch (IOException e) {
            throw new ConnectException(ConnectCode.UNAVAILABLE, "sandbox cannot start processes: " + e.getMessage(), e);
        }
    }

    private Supervisor.SpawnRequest spawnRequest(Account user, StartRequest request, String directory, long cookie)
            throws ConnectException {
        ProcessConfig config = request.getProcess();
        requireText("command", config.getCmd());
        for (String argument : config.getArgsList()) {
            requireText("argument", argument);
        }
        Map<String, String> variables = ProcessEnvironment.of(user, settings.variables(), config.getEnvsMap());
        return new Supervisor.SpawnRequest(
                config.getCmd(),
                config.getArgsList(),
                variables,
                directory,
                user.uid(),
                user.gid(),
                user.groups(),
                streams(request),
                cookie);
    }

    private String directory(Account user, String cwd) throws ConnectException {
        requireText("cwd", cwd);
        try {
            return PathRules.resolve(cwd, user, settings.defaultWorkdir());
        } catch (PathRules.ForeignHome e) {
            throw new ConnectException(ConnectCode.INVALID_ARGUMENT, e.text(), e);
        }
    }

    private static Supervisor.Streams streams(StartRequest request) {
        if (request.hasPty()) {
            PTY.Size size = request.getPty().getSize();
            return new Supervisor.Streams.Terminal(side(size.getCols()), side(size.getRows()));
        }
        return new Supervisor.Streams.Pipes(!request.hasStdin() || request.getStdin());
    }

    /** A side of a terminal, within what the kernel can hold. */
    static int side(int unsigned) {
        return (int) Math.min(Integer.toUnsignedLong(unsigned), MAX_TERMINAL_SIDE);
    }

    private static void requireText(String what, String text) throws ConnectException {
        if (text.indexOf('\0') >= 0) {
            throw new ConnectException(ConnectCode.INVALID_ARGUMENT, what + " contains a zero byte");
        }
    }

    private static ConnectCode code(SpawnException e) {
        return lacksTerminal(e) ? ConnectCode.RESOURCE_EXHAUSTED : ConnectCode.INVALID_ARGUMENT;
    }

    /** Sandboxes have a number of terminals each, and the machine has one for all. */
    private static boolean lacksTerminal(SpawnException e) {
        return e.step() == SpawnException.Step.TERMINAL && e.errno() == Errno.ENOSPC;
    }

    private static String explain(SpawnException e, ProcessConfig config, String directory) {
        if (e.step() == SpawnException.Step.DIRECTORY) {
            return e.errno() == Errno.ENOENT
                    ? "cwd '" + directory + "' does not exist"
                    : "cwd '" + directory + "' cannot be entered: " + e.errno();
        }
        if (lacksTerminal(e)) {
            return "no pseudo-terminal is free for '" + config.getCmd() + "': end another one";
        }
        return "error starting process '" + config.getCmd() + "': " + e.getMessage();
    }
}

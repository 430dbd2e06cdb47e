package dev.sandlot.node;

import dev.sandlot.builds.Commands;
import dev.sandlot.builds.WorkSandbox.Command;
import dev.sandlot.builds.WorkSandbox.Ended;
import dev.sandlot.builds.WorkSandbox.Lines;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.envd.Program;
import dev.sandlot.envd.ProgramLines;
import dev.sandlot.envd.RunningProgram;
import dev.sandlot.runtime.RunningSandbox;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Commands of a template in a sandbox. Closing it stops listening to those that go on by themselves. */
final class SandboxCommands implements Commands, AutoCloseable {
    private final RunningSandbox running;
    private final EnvdSandbox envd;
    private final boolean durable;
    private final Queue<RunningProgram> started = new ConcurrentLinkedQueue<>();

    /** @param durable whether what goes on by itself keeps its newest output for clients */
    SandboxCommands(RunningSandbox running, EnvdSandbox envd, boolean durable) {
        this.running = running;
        this.envd = envd;
        this.durable = durable;
    }

    @Override
    public Ended run(Command command, Lines lines) throws IOException, InterruptedException {
        RunningProgram program = envd.start(program(command, false), told(lines));
        try {
            return new Ended(program.ended().get(command.limit().toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            program.kill();
            throw new IOException(
                    "the command took longer than " + command.limit().toSeconds() + " seconds", e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw cause instanceof IOException gone ? gone : new IOException(cause);
        } catch (InterruptedException e) {
            program.leave();
            throw e;
        }
    }

    @Override
    public CompletableFuture<Ended> start(Command command, Lines lines) throws IOException {
        RunningProgram program = envd.start(program(command, durable), told(lines));
        started.add(program);
        return program.ended().thenApply(Ended::new);
    }

    @Override
    public Set<Integer> listening() throws IOException {
        return running.listening();
    }

    @Override
    public void close() {
        started.forEach(RunningProgram::leave);
    }

    private static Program program(Command command, boolean durable) {
        List<String> arguments = command.arguments();
        return new Program(
                arguments.getFirst(),
                arguments.subList(1, arguments.size()),
                command.user(),
                command.workdir(),
                command.env(),
                durable);
    }

    private static ProgramLines told(Lines lines) {
        return new ProgramLines() {
            @Override
            public void stdout(String line) {
                lines.stdout(line);
            }

            @Override
            public void stderr(String line) {
                lines.stderr(line);
            }
        };
    }
}

package dev.sandlot.node;

import dev.sandlot.builds.WorkSandbox;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.images.StagedTree;
import dev.sandlot.runtime.RunningSandbox;
import dev.sandlot.runtime.RuntimeFailure;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A sandbox of a build. Once it is closed or committed nothing of it is left but, perhaps, a layer. */
final class NodeWorkSandbox implements WorkSandbox {
    private static final Logger LOG = LoggerFactory.getLogger(NodeWorkSandbox.class);

    private final NodeWorkshop workshop;
    private final RunningSandbox running;
    private final EnvdSandbox envd;
    private final SandboxFiles files;
    private final SandboxCommands commands;
    private final AtomicBoolean over = new AtomicBoolean();

    NodeWorkSandbox(NodeWorkshop workshop, RunningSandbox running, EnvdSandbox envd, SandboxFiles files) {
        this.workshop = workshop;
        this.running = running;
        this.envd = envd;
        this.files = files;
        this.commands = new SandboxCommands(running, envd, false);
    }

    @Override
    public Ended run(Command command, Lines lines) throws IOException, InterruptedException {
        return commands.run(command, lines);
    }

    @Override
    public CompletableFuture<Ended> start(Command command, Lines lines) throws IOException {
        return commands.start(command, lines);
    }

    @Override
    public Set<Integer> listening() throws IOException {
        return commands.listening();
    }

    @Override
    public SandboxFiles files() {
        return files;
    }

    @Override
    public LayerRecord commit() throws IOException {
        if (!over.compareAndSet(false, true)) {
            throw new IOException("the build's sandbox has ended");
        }
        int base = running.uidBase();
        try (StagedTree staged = stage()) {
            harvest(staged);
            return workshop.layers().commit(staged, base, HostedSandbox.IDS);
        }
    }

    private StagedTree stage() throws IOException {
        try {
            return workshop.layers().stage();
        } catch (IOException e) {
            letGo();
            throw e;
        }
    }

    private void harvest(StagedTree staged) throws IOException {
        try {
            workshop.runtime().harvest(running.id(), staged.path());
            envd.close();
            files.close();
            workshop.exits().remove(running.id());
        } catch (RuntimeFailure e) {
            letGo();
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        if (over.compareAndSet(false, true)) {
            letGo();
        }
    }

    /** Waits for the end of the sandbox even when the build is being ended, which may interrupt this thread any time. */
    private void letGo() {
        Thread ending = Thread.startVirtualThread(this::end);
        boolean interrupted = false;
        while (ending.isAlive()) {
            try {
                ending.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void end() {
        envd.close();
        files.close();
        try {
            workshop.forget(running.id());
        } catch (IOException e) {
            LOG.error("a sandbox of a build is left over", e);
        }
    }
}

package dev.sandlot.app;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server in this process, from start to the signal that stops it. The main thread only waits; the JVM's
 * shutdown hook stops the server and ends the process, with code 0 after a clean stop.
 */
final class ForegroundServer {
    private static final Logger LOG = LoggerFactory.getLogger(ForegroundServer.class);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(45);

    private final ServerProgram program;
    private final LoadedSettings loaded;
    private final Instance instance;
    private final Surroundings surroundings;
    private final boolean newStore;
    private final boolean json;
    private final boolean inBackground;
    private volatile boolean failed;

    ForegroundServer(
            ServerProgram program,
            LoadedSettings loaded,
            Instance instance,
            Surroundings surroundings,
            boolean newStore,
            boolean json,
            boolean inBackground) {
        this.program = program;
        this.loaded = loaded;
        this.instance = instance;
        this.surroundings = surroundings;
        this.newStore = newStore;
        this.json = json;
        this.inBackground = inBackground;
    }

    /** Serves until a signal ends the process; {@code starting} is closed once it does. */
    int run(ActiveCommands.Entry starting) throws IOException, InterruptedException {
        long begun = System.nanoTime();
        LogSetup.apply(loaded.settings().logging());
        loaded.unused().forEach(name -> LOG.warn("{} is set, but this version does not use it yet", name));
        new StartCheckup(loaded).require();
        RunningServer server = start();
        try {
            instance.announce(server, Version.current());
            starting.close();
            greet(server, Duration.ofNanos(System.nanoTime() - begun));
        } catch (IOException | RuntimeException e) {
            failed = true;
            throw e;
        }
        StartCache.keep()
                .ifPresent(cache -> Runtime.getRuntime().addShutdownHook(new Thread(cache::close, "stop-start-cache")));
        new CountDownLatch(1).await();
        return ExitCode.OK;
    }

    private RunningServer start() throws IOException, InterruptedException {
        try {
            return new StartGuard(this::stop, () -> giveUp(surroundings))
                    .start(() -> program.prepare(loaded.settings(), newStore, surroundings.progress()));
        } catch (IOException | InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("the server could not be started", e);
        }
    }

    private void greet(RunningServer server, Duration took) throws IOException {
        LOG.info("serving on {}", server.addresses().api());
        if (!inBackground) {
            new Greeting(surroundings.out(), json).started(instance.serving().orElseThrow(), instance.access(), took);
        }
    }

    /** Ends a process that does not serve yet. */
    static void giveUp(Surroundings surroundings) {
        surroundings.err().println(Main.ERROR_PREFIX + "stopped before it served; nothing of it runs");
        end(surroundings, ExitCode.FAILED);
    }

    private void stop(RunningServer server) {
        AtomicInteger code = new AtomicInteger(ExitCode.FAILED);
        Thread closing = Thread.ofPlatform().name("close").start(() -> code.set(close(server)));
        try {
            if (!closing.join(STOP_LIMIT)) {
                surroundings.err().println("sandlot: the server did not stop within " + STOP_LIMIT.toSeconds() + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        end(surroundings, failed ? ExitCode.FAILED : code.get());
    }

    private static void end(Surroundings surroundings, int code) {
        surroundings.out().flush();
        surroundings.err().flush();
        Runtime.getRuntime().halt(code);
    }

    private int close(RunningServer server) {
        try {
            boolean end = instance.endOfSandboxesRequested();
            int left = server.close(end ? RunningServer.Sandboxes.END : RunningServer.Sandboxes.KEEP);
            instance.withdraw();
            surroundings.err().println(farewell(left));
            return ExitCode.OK;
        } catch (IOException | RuntimeException e) {
            LOG.error("could not stop cleanly", e);
            return ExitCode.FAILED;
        }
    }

    private static String farewell(int left) {
        return left == 0
                ? "Sandlot stopped."
                : "Sandlot stopped; " + left + (left == 1 ? " sandbox keeps" : " sandboxes keep")
                        + " running. The next `sandlot up` takes over, `sandlot down` ends them.";
    }
}

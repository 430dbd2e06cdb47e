package dev.sandlot.app;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a signal does to a server, from its first step on. While the server is prepared, which takes minutes at the
 * first start, its thread is interrupted and clears away what it made; while it starts, which is short, the signal
 * waits and then stops it as it stops one that serves.
 *
 * <p>A signal comes as the JVM's shutdown, on a thread of its own, which ends the process. From then on the thread
 * that starts the server only waits for that end, and tells nobody of a failure that is none.
 */
final class StartGuard {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final Consumer<RunningServer> stop;
    private final Runnable giveUp;
    private final ReentrantLock lock = new ReentrantLock();

    /** The server, or nothing when there will be none; completed under the lock. */
    private final CompletableFuture<Optional<RunningServer>> outcome = new CompletableFuture<>();

    /** Guarded by the lock. */
    private boolean stopping;

    /** The thread that may be interrupted; guarded by the lock. */
    private @Nullable Thread preparing;

    /**
     * Begins to guard.
     *
     * @param stop stops a server and ends the process
     * @param giveUp ends the process where there is no server
     */
    StartGuard(Consumer<RunningServer> stop, Runnable giveUp) {
        this.stop = stop;
        this.giveUp = giveUp;
        Runtime.getRuntime().addShutdownHook(new Thread(this::onShutdown, "stop"));
    }

    /** Prepares and starts the server; does not return when a signal came meanwhile. */
    RunningServer start(Callable<ServerProgram.Prepared> preparation) throws Exception {
        try {
            RunningServer server = prepare(preparation).start();
            settle(Optional.of(server));
            return server;
        } catch (Exception e) {
            settle(Optional.empty());
            throw e;
        }
    }

    private ServerProgram.Prepared prepare(Callable<ServerProgram.Prepared> preparation) throws Exception {
        setPreparing(Thread.currentThread());
        try {
            ServerProgram.Prepared prepared = preparation.call();
            setPreparing(null);
            if (Thread.interrupted()) {
                prepared.close();
                throw new InterruptedException("told to stop");
            }
            return prepared;
        } finally {
            setPreparing(null);
        }
    }

    private void setPreparing(@Nullable Thread thread) {
        lock.lock();
        try {
            preparing = thread;
            if (thread != null && stopping) {
                thread.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    private void settle(Optional<RunningServer> result) throws InterruptedException {
        lock.lock();
        try {
            outcome.complete(result);
            if (!stopping) {
                return;
            }
        } finally {
            lock.unlock();
        }
        new CountDownLatch(1).await();
    }

    private void onShutdown() {
        if (isOver()) {
            return;
        }
        outcome.completeOnTimeout(Optional.empty(), LIMIT.toSeconds(), TimeUnit.SECONDS)
                .join()
                .ifPresentOrElse(stop, giveUp);
    }

    /** Whether the start failed before, which is why the process ends. */
    private boolean isOver() {
        lock.lock();
        try {
            stopping = true;
            if (preparing != null) {
                preparing.interrupt();
            }
            return outcome.isDone() && outcome.join().isEmpty();
        } finally {
            lock.unlock();
        }
    }
}

package dev.sandlot.envd;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.protocol.BodyBudget;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the sandboxes of one machine share: the event loop that moves their output and a clock for deadlines, two
 * threads however many sandboxes there are; and the threads on which files are used, while they are.
 */
public final class EnvdHost implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EnvdHost.class);

    /** Bodies of requests to all sandboxes have a quarter of the heap. */
    private final BodyBudget bodies = BodyBudget.ofHeap(4);

    private final EventLoop loop;
    private final ByteBuffer scratch = ByteBuffer.allocateDirect(OutputPump.MAX_CHUNK_BYTES);
    private final ScheduledThreadPoolExecutor timer;
    private final Duration filePatience;
    private final ExecutorService fileThreads = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("envd-file-", 0).factory());

    /** @param loop stays the caller's, who closes it after this */
    public EnvdHost(EventLoop loop) {
        this(loop, FileCalls.PATIENCE);
    }

    /** @param filePatience how long a call on files may take */
    EnvdHost(EventLoop loop, Duration filePatience) {
        this.loop = loop;
        this.filePatience = filePatience;
        this.timer = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("envd-timer").factory());
        timer.setRemoveOnCancelPolicy(true);
        timer.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
    }

    EventLoop loop() {
        return loop;
    }

    /** The memory for bodies of requests. */
    BodyBudget bodies() {
        return bodies;
    }

    /** A buffer for the thread of the loop alone. */
    ByteBuffer scratch() {
        return scratch;
    }

    /** Threads of the kernel's own, as many as there is work at once: {@link FileCalls}. */
    Executor fileThreads() {
        return fileThreads;
    }

    Duration filePatience() {
        return filePatience;
    }

    /** Runs a task, which must not block, after a time; returns what calls it off. */
    Runnable after(Duration time, Runnable task) {
        Future<?> scheduled = timer.schedule(() -> run(task), time.toNanos(), TimeUnit.NANOSECONDS);
        return () -> scheduled.cancel(false);
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.error("timed task failed", e);
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        fileThreads.shutdown();
    }
}

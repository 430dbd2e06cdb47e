package dev.sandlot.envd;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.Fd;
import dev.sandlot.protocol.process.ProcessEvent;
import dev.sandlot.protocol.process.ProcessInfo;
import dev.sandlot.protocol.process.StartRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A process of a sandbox: who listens to it, what is left of its output, and how it ends (envd.md 7.5, 7.6).
 *
 * <p>Invariants. Every subscriber sees each output event from its subscription on, in the order of its pipe, and
 * then exactly one end. The end comes when the process has exited and all its outputs are at their end; after
 * {@link #forsakeOutput} the exit alone is enough. While a subscriber's queue is full no output is read; without
 * subscribers it is read and dropped, or kept if the process is durable.
 *
 * <p>Threads. The event loop brings output, the supervisor's thread the exit, stream threads subscribe and take;
 * {@link #lock} guards all state, and nothing under it blocks.
 */
final class SandboxProcess {
    private final int pid;
    private final long cookie;
    private final StartRequest request;
    private final @Nullable KeptOutput kept;
    private final @Nullable InputPipe input;
    private final Consumer<SandboxProcess> whenEnded;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition exitKnown = lock.newCondition();
    // Guarded by lock.
    private final List<Subscription> subscriptions = new ArrayList<>(1);
    private final List<OutputPump> outputs = new ArrayList<>(2);
    private int rawStatus = -1;
    private boolean forsaken;
    private boolean expired;
    private boolean ended;
    private boolean holding;
    private boolean closed;
    private Runnable deadline = () -> {};

    /**
     * @param entry as it was noted
     * @param input its stdin or terminal; null when it has none
     * @param kept where its output is kept; null when it is not durable
     * @param whenEnded told once, before the subscribers, of the end; must not block
     */
    SandboxProcess(
            int pid,
            ProcessJournal.Entry entry,
            @Nullable InputPipe input,
            @Nullable KeptOutput kept,
            Consumer<SandboxProcess> whenEnded) {
        this.pid = pid;
        this.cookie = entry.cookie();
        this.request = entry.request();
        this.kept = kept;
        this.input = input;
        this.whenEnded = whenEnded;
    }

    int pid() {
        return pid;
    }

    long cookie() {
        return cookie;
    }

    Optional<String> tag() {
        return request.hasTag() ? Optional.of(request.getTag()) : Optional.empty();
    }

    boolean hasTag(String tag) {
        return request.hasTag() && request.getTag().equals(tag);
    }

    boolean terminal() {
        return request.hasPty();
    }

    Optional<InputPipe> input() {
        return Optional.ofNullable(input);
    }

    ProcessInfo info() {
        ProcessInfo.Builder info =
                ProcessInfo.newBuilder().setConfig(request.getProcess()).setPid(pid);
        return request.hasTag() ? info.setTag(request.getTag()).build() : info.build();
    }

    /** Whether its newest output is kept. */
    boolean durable() {
        return kept != null;
    }

    /** Listens from now on; a subscription to an ended process has the end in it. */
    Subscription subscribe() {
        return subscribe(false);
    }

    /** As {@link #subscribe()}, with the output that is kept before what comes. */
    Subscription subscribe(boolean replay) {
        lock.lock();
        try {
            KeptOutput before = replay ? kept : null;
            Subscription subscription = new Subscription(this, lock, before == null ? 0 : before.lostBytes());
            if (before != null) {
                before.events().forEach(data -> subscription.offer(event(data)));
            }
            if (ended) {
                subscription.offer(endEvent());
            } else {
                subscriptions.add(subscription);
                release();
            }
            return subscription;
        } finally {
            lock.unlock();
        }
    }

    /** Called by the subscription that closes, with the lock held. */
    void unsubscribe(Subscription subscription) {
        subscriptions.remove(subscription);
        roomMade();
    }

    /** Called with the lock held when a full queue is no longer full. */
    void roomMade() {
        if (!congested()) {
            outputs.forEach(OutputPump::resume);
        }
    }

    /** Keeps output in its pipes until somebody subscribes or {@link #letGo} is called. */
    void hold() {
        lock.lock();
        try {
            holding = true;
        } finally {
            lock.unlock();
        }
    }

    /** Ends {@link #hold}. */
    void letGo() {
        lock.lock();
        try {
            release();
        } finally {
            lock.unlock();
        }
    }

    private void release() {
        if (holding) {
            holding = false;
            roomMade();
        }
    }

    private boolean congested() {
        return closed || holding || subscriptions.stream().anyMatch(Subscription::full);
    }

    /** Adds an output, before its pump starts. */
    void addOutput(OutputPump pump) {
        lock.lock();
        try {
            outputs.add(pump);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the pump may read on; if not it has been paused and will be resumed. */
    boolean mayRead(OutputPump pump) {
        lock.lock();
        try {
            if (congested()) {
                pump.pause();
                return false;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Reads from an output once, and gives what came to every subscriber; it is kept in the same step, so that nobody
     * gets it twice.
     *
     * @param scratch for the bytes, empty; its limit is how many may be read
     * @return how many bytes, or what {@link dev.sandlot.linux.Io#read} gives instead
     */
    int pass(Fd output, OutputPump.Kind kind, ByteBuffer scratch) throws IOException {
        lock.lock();
        try {
            int count = kept == null || ended || closed
                    ? kind.read(output, scratch)
                    : kept.take(output, kind, scratch.remaining(), scratch);
            if (count > 0 && !ended && !subscriptions.isEmpty()) {
                ProcessEvent event = event(kind.event(ByteString.copyFrom(scratch.flip())));
                subscriptions.forEach(subscription -> subscription.offer(event));
            }
            return count;
        } finally {
            lock.unlock();
        }
    }

    private static ProcessEvent event(ProcessEvent.DataEvent data) {
        return ProcessEvent.newBuilder().setData(data).build();
    }

    /** Notes that an output is at its end. */
    void outputEnded(OutputPump pump) {
        lock.lock();
        try {
            outputs.remove(pump);
            endIfDone();
        } finally {
            lock.unlock();
        }
    }

    /** Notes the exit; false when one was known already, so that this must be another process's. */
    boolean exited(int status) {
        lock.lock();
        try {
            if (rawStatus >= 0) {
                return false;
            }
            rawStatus = status;
            exitKnown.signalAll();
            endIfDone();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Calls the deadline off when the process ends, at once if it has. */
    void whenEnded(Runnable cancelDeadline) {
        lock.lock();
        try {
            deadline = cancelDeadline;
            if (ended) {
                cancelDeadline.run();
            }
        } finally {
            lock.unlock();
        }
    }

    /** No longer waits for the ends of the outputs: the exit alone ends the process. */
    void forsakeOutput() {
        lock.lock();
        try {
            forsaken = true;
            endIfDone();
        } finally {
            lock.unlock();
        }
    }

    /** Notes that the time of the process is over: from now on its exit alone ends it. */
    void expire() {
        lock.lock();
        try {
            expired = true;
            forsakeOutput();
        } finally {
            lock.unlock();
        }
    }

    /** Has every reader look again. */
    void wakeReaders() {
        lock.lock();
        try {
            subscriptions.forEach(Subscription::wake);
        } finally {
            lock.unlock();
        }
    }

    boolean expired() {
        lock.lock();
        try {
            return expired;
        } finally {
            lock.unlock();
        }
    }

    boolean hasExited() {
        lock.lock();
        try {
            return rawStatus >= 0;
        } finally {
            lock.unlock();
        }
    }

    /** The status as wait(2) gave it, -1 while it runs. */
    int rawStatus() {
        lock.lock();
        try {
            return rawStatus;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the exit is known, for a time. */
    void awaitExit(long timeoutNanos) throws InterruptedException {
        lock.lock();
        try {
            long left = timeoutNanos;
            while (rawStatus < 0 && left > 0) {
                left = exitKnown.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The last event of an ended process. */
    ProcessEvent endEvent() {
        lock.lock();
        try {
            return ProcessEvent.newBuilder().setEnd(ExitStatus.end(rawStatus)).build();
        } finally {
            lock.unlock();
        }
    }

    private void endIfDone() {
        boolean done = rawStatus >= 0 && (forsaken || outputs.isEmpty());
        if (!done || ended) {
            return;
        }
        ended = true;
        deadline.run();
        whenEnded.accept(this);
        ProcessEvent end = endEvent();
        subscriptions.forEach(subscription -> subscription.offer(end));
        subscriptions.clear();
    }

    /** Removes what was kept of its output. */
    void forgetOutput() throws IOException {
        lock.lock();
        try {
            if (kept != null) {
                kept.delete();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What is to be noted of it once it has ended. */
    ProcessJournal.Entry ending(Instant at) {
        lock.lock();
        try {
            return new ProcessJournal.Entry(
                    cookie, request, null, kept != null, new ProcessJournal.Ending(pid, rawStatus, at));
        } finally {
            lock.unlock();
        }
    }

    /** Lets go of our ends of its streams. */
    void closeStreams() {
        lock.lock();
        try {
            closed = true;
            outputs.forEach(OutputPump::close);
            if (kept != null) {
                kept.close();
            }
            if (input != null) {
                input.close();
            }
        } finally {
            lock.unlock();
        }
    }
}

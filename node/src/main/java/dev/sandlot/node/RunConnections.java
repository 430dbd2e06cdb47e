package dev.sandlot.node;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one run of a sandbox: those in use, each with its way to be cut, and idle ones by port. They
 * never outlive the run. {@code lock} guards all fields.
 */
final class RunConnections {
    private static final int IDLE_PER_TARGET = 64;

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Integer, Deque<SandboxSocket>> idle = new HashMap<>();
    private final Set<Runnable> cuts = new HashSet<>();
    private boolean ended;

    /** Notes an exchange by the action that cuts it; false when the run is over. */
    boolean enter(Runnable cut) {
        lock.lock();
        try {
            return !ended && cuts.add(cut);
        } finally {
            lock.unlock();
        }
    }

    void leave(Runnable cut) {
        lock.lock();
        try {
            cuts.remove(cut);
        } finally {
            lock.unlock();
        }
    }

    /** An idle connection that still looks good. */
    Optional<SandboxSocket> take(ServicePort target) {
        while (true) {
            SandboxSocket socket = poll(target);
            if (socket == null) {
                return Optional.empty();
            }
            if (socket.isQuiet()) {
                return Optional.of(socket);
            }
            socket.close();
        }
    }

    private @Nullable SandboxSocket poll(ServicePort target) {
        lock.lock();
        try {
            Deque<SandboxSocket> sockets = idle.get(target.port());
            return sockets == null ? null : sockets.pollLast();
        } finally {
            lock.unlock();
        }
    }

    /** Keeps a connection for the next request, or closes it. */
    void giveBack(SandboxSocket socket) {
        lock.lock();
        try {
            Deque<SandboxSocket> sockets = idle.computeIfAbsent(socket.target().port(), port -> new ArrayDeque<>());
            if (!ended && sockets.size() < IDLE_PER_TARGET) {
                sockets.addLast(socket);
                return;
            }
        } finally {
            lock.unlock();
        }
        socket.close();
    }

    /** Ends the run: cuts every exchange and closes every connection. */
    void end() {
        List<Runnable> toCut;
        List<SandboxSocket> toClose;
        lock.lock();
        try {
            ended = true;
            toCut = List.copyOf(cuts);
            toClose = idle.values().stream().flatMap(Deque::stream).toList();
            idle.clear();
        } finally {
            lock.unlock();
        }
        toCut.forEach(Runnable::run);
        toClose.forEach(SandboxSocket::close);
    }
}

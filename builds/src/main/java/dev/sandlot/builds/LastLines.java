package dev.sandlot.builds;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;

/** Keeps the end of what a command says, without empty lines; all of it goes on to another. Safe for several threads. */
final class LastLines implements WorkSandbox.Lines {
    private final WorkSandbox.Lines next;
    private final int most;
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by {@link #lock}. */
    private final Deque<String> lines = new ArrayDeque<>();

    /** @param most how many lines are kept */
    LastLines(WorkSandbox.Lines next, int most) {
        this.next = next;
        this.most = most;
    }

    @Override
    public void stdout(String line) {
        keep(line);
        next.stdout(line);
    }

    @Override
    public void stderr(String line) {
        keep(line);
        next.stderr(line);
    }

    private void keep(String line) {
        if (line.isBlank()) {
            return;
        }
        lock.lock();
        try {
            lines.addLast(line);
            if (lines.size() > most) {
                lines.removeFirst();
            }
        } finally {
            lock.unlock();
        }
    }

    /** A failure and what was said last, on lines of its own, if anything was. */
    String after(String failure) {
        lock.lock();
        try {
            return lines.isEmpty() ? failure : failure + ":\n" + String.join("\n", lines);
        } finally {
            lock.unlock();
        }
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.process.ProcessSelector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The processes of one sandbox: those that live, and those whose end is kept for late readers (envd.md 7.6). A new
 * process drops what is kept under its number or its tag. Safe for several threads.
 *
 * <p>Lock order: a process's lock may be held when this one's is taken, never the other way round.
 */
final class ProcessTable {
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private final Map<Integer, SandboxProcess> live = new HashMap<>();
    private final Map<Integer, SandboxProcess> retained = new LinkedHashMap<>();
    /** Exits told while processes are being started, by number: an exit may come before the start is known here. */
    private final Map<Integer, Integer> earlyExits = new HashMap<>();

    private int starting;

    /** Keeps exits of unknown processes until {@link #settled}, for those that are being started. */
    void expectStart() {
        lock.lock();
        try {
            starting++;
        } finally {
            lock.unlock();
        }
    }

    /** Called once for each {@link #expectStart}, after the process was added or could not be started. */
    void settled() {
        lock.lock();
        try {
            starting--;
            if (starting == 0) {
                earlyExits.clear();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adds a process that was just started.
     *
     * @return the durable processes whose kept ends it displaced
     */
    List<SandboxProcess> add(SandboxProcess process) {
        List<SandboxProcess> forgotten;
        SandboxProcess displaced;
        Integer early;
        lock.lock();
        try {
            Predicate<SandboxProcess> succeeded = kept -> kept.pid() == process.pid()
                    || process.tag().filter(kept::hasTag).isPresent();
            forgotten = retained.values().stream()
                    .filter(SandboxProcess::durable)
                    .filter(succeeded)
                    .toList();
            retained.values().removeIf(succeeded);
            displaced = live.put(process.pid(), process);
            early = earlyExits.remove(process.pid());
        } finally {
            lock.unlock();
        }
        if (displaced != null) {
            displaced.forsakeOutput();
        }
        if (early != null) {
            process.exited(early);
        }
        return forgotten;
    }

    /** Notes that a process exited. */
    void exited(int pid, int rawStatus) {
        Optional<SandboxProcess> known = livingOrKeep(pid, rawStatus, Optional.empty());
        if (known.isPresent() && !known.get().exited(rawStatus)) {
            livingOrKeep(pid, rawStatus, known).ifPresent(successor -> successor.exited(rawStatus));
        }
    }

    /** The living process of the number, if it is not the one known; else the exit is kept for the next. */
    private Optional<SandboxProcess> livingOrKeep(int pid, int rawStatus, Optional<SandboxProcess> known) {
        lock.lock();
        try {
            Optional<SandboxProcess> found = Optional.ofNullable(live.get(pid));
            if (found.isPresent() && !found.equals(known)) {
                return found;
            }
            if (starting > 0) {
                earlyExits.put(pid, rawStatus);
            }
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** Moves a process from the living to the kept, unless its number was taken by another already. */
    void ended(SandboxProcess process) {
        lock.lock();
        try {
            if (live.remove(process.pid(), process)) {
                retained.put(process.pid(), process);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Adds a process that ended before this program began. */
    void addEnded(SandboxProcess process) {
        lock.lock();
        try {
            retained.put(process.pid(), process);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the end of a process is kept. */
    boolean remembers(SandboxProcess process) {
        lock.lock();
        try {
            return retained.get(process.pid()) == process;
        } finally {
            lock.unlock();
        }
    }

    /** How many durable processes live, or have ended and are kept. */
    long durable() {
        lock.lock();
        try {
            return Stream.concat(live.values().stream(), retained.values().stream())
                    .filter(SandboxProcess::durable)
                    .count();
        } finally {
            lock.unlock();
        }
    }

    /** The durable process that ended before all others whose end is kept. */
    Optional<SandboxProcess> oldestEndedDurable() {
        lock.lock();
        try {
            return retained.values().stream().filter(SandboxProcess::durable).findFirst();
        } finally {
            lock.unlock();
        }
    }

    /** Forgets the end of a process. */
    void forget(SandboxProcess process) {
        lock.lock();
        try {
            retained.remove(process.pid(), process);
        } finally {
            lock.unlock();
        }
    }

    List<SandboxProcess> all() {
        lock.lock();
        try {
            return new ArrayList<>(live.values());
        } finally {
            lock.unlock();
        }
    }

    /** The living process that the client means. */
    SandboxProcess select(ProcessSelector selector) throws ConnectException {
        return find(live.values(), selector).orElseThrow(() -> notFound(selector));
    }

    /** As {@link #select}, or else the one whose end is kept. */
    SandboxProcess selectEvenEnded(ProcessSelector selector) throws ConnectException {
        Optional<SandboxProcess> found = find(live.values(), selector);
        return found.isPresent()
                ? found.get()
                : find(retained.values(), selector).orElseThrow(() -> notFound(selector));
    }

    private Optional<SandboxProcess> find(Collection<SandboxProcess> among, ProcessSelector selector)
            throws ConnectException {
        Predicate<SandboxProcess> meant = switch (selector.getSelectorCase()) {
            case PID -> process -> process.pid() == selector.getPid();
            case TAG -> process -> process.hasTag(selector.getTag());
            case SELECTOR_NOT_SET ->
                throw new ConnectException(ConnectCode.UNIMPLEMENTED, "process selector is missing");
        };
        lock.lock();
        try {
            return among.stream().filter(meant).findFirst();
        } finally {
            lock.unlock();
        }
    }

    private static ConnectException notFound(ProcessSelector selector) {
        String which =
                selector.hasPid() ? "pid " + Integer.toUnsignedString(selector.getPid()) : "tag " + selector.getTag();
        return new ConnectException(ConnectCode.NOT_FOUND, "process with " + which + " not found");
    }
}

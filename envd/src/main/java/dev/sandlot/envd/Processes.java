package dev.sandlot.envd;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.process.StartRequest;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of a sandbox's processes: started or taken over, timed, killed, ended and forgotten. Talks to the
 * supervisor on threads that may wait, never on that of the event loop.
 */
final class Processes implements AutoCloseable {
    /** How long the end of a process is kept for late readers. */
    static final Duration RETENTION = Duration.ofSeconds(30);

    /** As {@link #RETENTION}, of durable processes. */
    static final Duration DURABLE_RETENTION = Duration.ofMinutes(10);

    /** How long output of a process that was taken over waits in its pipe for a first reader. */
    static final Duration TAKEOVER_GRACE = Duration.ofSeconds(30);

    /** How many durable processes of one sandbox are known, ended ones included. */
    static final int MAX_DURABLE = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Processes.class);
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final long EXIT_WAIT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int SIGKILL = 9;

    /** A process with the subscription that sees all of its output. */
    record Started(SandboxProcess process, Subscription subscription) {}

    private final EnvdHost host;
    private final Supervisor supervisor;
    private final ProcessLauncher launcher;
    private final ProcessJournal journal;
    private final Duration retention;
    private final ProcessTable table;

    Processes(
            EnvdHost host,
            Supervisor supervisor,
            ProcessTable table,
            ProcessLauncher launcher,
            ProcessJournal journal,
            Duration retention) {
        this.host = host;
        this.supervisor = supervisor;
        this.table = table;
        this.launcher = launcher;
        this.journal = journal;
        this.retention = retention;
    }

    ProcessTable table() {
        return table;
    }

    /**
     * Starts a process.
     *
     * @param timeout how long it may live, whoever listens
     * @param durable whether its newest output is kept to be read again; of those that ended the oldest is forgotten
     *     when there are too many
     */
    Started start(Account user, StartRequest request, Optional<Duration> timeout, boolean durable)
            throws ConnectException {
        long cookie = RANDOM.nextLong() & Long.MAX_VALUE;
        Optional<Instant> deadline = timeout.map(time -> Instant.now().plus(time));
        ProcessJournal.Entry entry = new ProcessJournal.Entry(cookie, request, deadline.orElse(null), durable);
        if (durable) {
            makeRoom();
        }
        save(entry);
        table.expectStart();
        try {
            Started started = follow(launcher.launch(user, request, cookie), entry);
            timeout.ifPresent(time -> expireAfter(started.process(), time));
            return started;
        } catch (ConnectException e) {
            unsave(cookie);
            throw e;
        } finally {
            table.settled();
        }
    }

    private void add(SandboxProcess process) {
        table.add(process).forEach(this::forgetDurable);
    }

    private void makeRoom() throws ConnectException {
        while (table.durable() >= MAX_DURABLE) {
            SandboxProcess oldest = table.oldestEndedDurable()
                    .orElseThrow(() -> new ConnectException(
                            ConnectCode.RESOURCE_EXHAUSTED,
                            "too many durable commands: at most " + MAX_DURABLE + " may run at once in a sandbox"));
            forgetDurable(oldest);
        }
    }

    /** Listens to what was just started; when that cannot be done it is killed. */
    private Started follow(Supervisor.Spawned spawned, ProcessJournal.Entry entry) throws ConnectException {
        SandboxProcess process = new SandboxProcess(spawned.pid(), entry, null, null, this::ended);
        try {
            process = wire(spawned.pid(), spawned.ends(), entry);
            Subscription subscription = process.subscribe();
            add(process);
            return new Started(process, subscription);
        } catch (IOException | UncheckedIOException e) {
            abandon(process);
            throw new ConnectException(ConnectCode.INTERNAL, "could not read from the process: " + e.getMessage(), e);
        }
    }

    /** Kills a process that nobody can listen to; its exit then does the rest. */
    private void abandon(SandboxProcess process) {
        add(process);
        process.closeStreams();
        process.forsakeOutput();
        try {
            boolean sent = send(process, SIGKILL);
            LOG.warn("process {} could not be listened to, killed: {}", process.pid(), sent);
        } catch (IOException e) {
            LOG.warn("process {} could not be listened to, nor killed", process.pid(), e);
        }
    }

    /** Takes over what an earlier program started and noted in the journal, ended or not. */
    void takeOver() throws IOException {
        Map<Long, ProcessJournal.Entry> entries = new HashMap<>();
        List<ProcessJournal.Entry> noted = journal.load();
        removeOutputsBut(noted);
        for (ProcessJournal.Entry entry : noted) {
            ProcessJournal.Ending ending = entry.ending();
            if (ending == null) {
                entries.put(entry.cookie(), entry);
            } else {
                remember(entry, ending);
            }
        }
        if (noted.isEmpty()) {
            return;
        }
        table.expectStart();
        try {
            for (Supervisor.Child child : supervisor.list()) {
                ProcessJournal.Entry entry = entries.remove(child.cookie());
                if (entry != null) {
                    takeOver(child, entry);
                } else if (child.ended()) {
                    supervisor.release(child.pid());
                }
            }
        } finally {
            table.settled();
        }
        entries.keySet().forEach(this::unsave);
    }

    /** Keeps what an earlier program kept of a durable process that it saw end. */
    private void remember(ProcessJournal.Entry entry, ProcessJournal.Ending ending) throws IOException {
        Duration left = Duration.between(Instant.now(), ending.at().plus(DURABLE_RETENTION));
        KeptOutput kept = kept(entry);
        SandboxProcess process = new SandboxProcess(ending.pid(), entry, null, kept, _ -> {});
        process.exited(ending.rawStatus());
        table.addEnded(process);
        host.after(left, () -> Thread.startVirtualThread(() -> forgetDurable(process)));
    }

    private @Nullable KeptOutput kept(ProcessJournal.Entry entry) throws IOException {
        Optional<Path> outputs = journal.outputs();
        return entry.durable() && outputs.isPresent() ? KeptOutput.of(outputs.get(), entry.cookie()) : null;
    }

    /** A program that is killed may leave output of which nothing is noted any more. */
    private void removeOutputsBut(List<ProcessJournal.Entry> noted) throws IOException {
        Set<Long> known = new HashSet<>();
        noted.forEach(entry -> known.add(entry.cookie()));
        Optional<Path> outputs = journal.outputs().filter(Files::exists);
        if (outputs.isEmpty()) {
            return;
        }
        try (Stream<Path> files = Files.list(outputs.get())) {
            for (Path file : files.toList()) {
                if (!known.contains(KeptOutput.cookie(file))) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private void takeOver(Supervisor.Child child, ProcessJournal.Entry entry) throws IOException {
        SandboxProcess process = wire(child.pid(), supervisor.attach(child.pid()), entry);
        add(process);
        if (child.ended()) {
            process.exited(child.rawStatus());
        }
        Instant deadline = entry.deadline();
        if (deadline != null) {
            expireAfter(process, Duration.between(Instant.now(), deadline));
        }
        host.after(TAKEOVER_GRACE, process::letGo);
    }

    /** Connects the streams; output stays in the pipes until the process is subscribed to or let go. */
    private SandboxProcess wire(int pid, Supervisor.Ends ends, ProcessJournal.Entry entry) throws IOException {
        try {
            return connected(pid, ends, entry);
        } catch (IOException e) {
            ends.close();
            throw e;
        }
    }

    private SandboxProcess connected(int pid, Supervisor.Ends ends, ProcessJournal.Entry entry) throws IOException {
        StartRequest request = entry.request();
        Fd input = request.hasPty() ? Io.duplicate(ends.output()) : ends.input();
        KeptOutput kept = kept(entry);
        SandboxProcess process = new SandboxProcess(
                pid, entry, input == null ? null : new InputPipe(host.loop(), input), kept, this::ended);
        process.hold();
        OutputPump.Kind kind = request.hasPty() ? OutputPump.Kind.TERMINAL : OutputPump.Kind.STDOUT;
        new OutputPump(host, ends.output(), kind, process);
        Fd errors = ends.errors();
        if (errors != null) {
            new OutputPump(host, errors, OutputPump.Kind.STDERR, process);
        }
        return process;
    }

    /**
     * Sends a signal that is meant to end the process: its end no longer waits for its output, also when it has
     * exited already and only others hold its output open. After SIGKILL this waits until the process is gone.
     *
     * @throws LinuxException {@code ESRCH} when the supervisor has no such process
     */
    void signal(SandboxProcess process, int signal) throws IOException, InterruptedException {
        boolean sent = process.hasExited() || send(process, signal);
        process.forsakeOutput();
        if (!sent || signal == SIGKILL) {
            process.awaitExit(EXIT_WAIT_NANOS);
        }
        if (!sent && !process.hasExited()) {
            throw new LinuxException("kill", "process " + process.pid(), Errno.ESRCH.number());
        }
    }

    /** Sends a signal; false when the process has ended. */
    private boolean send(SandboxProcess process, int signal) throws IOException {
        try {
            supervisor.signal(process.pid(), signal);
            return true;
        } catch (LinuxException e) {
            if (e.is(Errno.ESRCH)) {
                return false;
            }
            throw e;
        }
    }

    /** Closes the stdin of a process, at the supervisor too; nothing happens when it has none. */
    void closeInput(SandboxProcess process) throws IOException {
        Optional<InputPipe> input = process.input();
        if (input.isPresent()) {
            supervisor.closeInput(process.pid());
            input.get().close();
        }
    }

    private void expireAfter(SandboxProcess process, Duration time) {
        process.whenEnded(host.after(time, () -> Thread.startVirtualThread(() -> expire(process))));
    }

    private void expire(SandboxProcess process) {
        process.expire();
        try {
            if (!process.hasExited()) {
                boolean sent = send(process, SIGKILL);
                LOG.debug("time of process {} is over, killed: {}", process.pid(), sent);
                process.awaitExit(EXIT_WAIT_NANOS);
            }
        } catch (IOException e) {
            LOG.warn("could not kill process {} whose time is over", process.pid(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.wakeReaders();
        }
    }

    /** On the thread that saw the last of it, with its lock held. */
    private void ended(SandboxProcess process) {
        process.closeStreams();
        table.ended(process);
        if (process.durable()) {
            host.after(DURABLE_RETENTION, () -> Thread.startVirtualThread(() -> forgetDurable(process)));
        } else {
            host.after(retention, () -> table.forget(process));
        }
        Thread.startVirtualThread(() -> release(process));
    }

    private void forgetDurable(SandboxProcess process) {
        table.forget(process);
        unsave(process.cookie());
        try {
            process.forgetOutput();
        } catch (IOException e) {
            LOG.warn("could not remove the output of process {}", process.pid(), e);
        }
    }

    /** The end of a durable process is noted before the supervisor forgets it. */
    private void release(SandboxProcess process) {
        boolean kept = process.durable() && table.remembers(process);
        try {
            if (kept) {
                journal.save(process.ending(Instant.now()));
            }
        } catch (IOException e) {
            LOG.warn("the end of process {} could not be noted", process.pid(), e);
        }
        try {
            supervisor.release(process.pid());
        } catch (IOException e) {
            LOG.debug("supervisor keeps process {}", process.pid(), e);
        }
        if (!kept) {
            unsave(process.cookie());
        }
    }

    private void save(ProcessJournal.Entry entry) throws ConnectException {
        try {
            journal.save(entry);
        } catch (IOException e) {
            throw new ConnectException(ConnectCode.INTERNAL, "could not note the process: " + e.getMessage(), e);
        }
    }

    private void unsave(long cookie) {
        try {
            journal.remove(cookie);
        } catch (IOException e) {
            LOG.warn("could not remove a process from the journal", e);
        }
    }

    /** Lets go of all streams; the processes live on. */
    @Override
    public void close() {
        List<SandboxProcess> all = table.all();
        all.forEach(SandboxProcess::closeStreams);
    }
}

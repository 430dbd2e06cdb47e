package dev.sandlot.runtime;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Netlink;
import dev.sandlot.linux.Pidfd;
import java.io.IOException;
import java.net.Inet4Address;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kind {@code oci}: sandboxes as containers in namespaces of their own, started by crun or another OCI runtime.
 *
 * <p>Threads: callers' threads do the work of a start and hold one launcher for it; the number of launchers bounds
 * the starts under way. A sandbox is ended on {@code enders}, by whoever sets its {@code ending} first: a caller of
 * {@link #kill}, or the end of its connection.
 */
public final class OciRuntime implements SandboxRuntime {
    private static final Logger LOG = LoggerFactory.getLogger(OciRuntime.class);
    private static final Duration KILL_LIMIT = Duration.ofSeconds(20);
    private static final int ENDERS = 8;
    private static final int SIGKILL = 9;

    private final Machine machine;
    private final Firewall firewall;
    private final Remains remains;
    private final OciStart start;
    private final EventLoop loop;
    private final SlotPool slots;
    private final BlockingQueue<Launcher> launchers;
    private final Map<String, OciSandbox> running = new ConcurrentHashMap<>();
    /** Whether the ends of connections are this program's own. */
    private volatile boolean keeping;

    private final Set<String> starting = ConcurrentHashMap.newKeySet();
    private final ExecutorService enders = Executors.newFixedThreadPool(
            ENDERS, Thread.ofPlatform().daemon().name("ender-", 0).factory());

    private OciRuntime(Machine machine, EventLoop loop, ProcessExits exits) throws IOException {
        this.machine = machine;
        this.loop = loop;
        this.firewall = new Firewall(machine.config(), machine.nft());
        this.remains = new Remains(machine);
        boolean born = machine.cgroups().movesThreads();
        this.start =
                new OciStart(machine, new OciConfig(born, machine.config().supervisor(), machine.oci()), loop, exits);
        takeOverAll();
        killStrays();
        removeUnusedLinks();
        firewall.raise(offlineAddresses());
        this.launchers = launchers(machine);
        List<Integer> used =
                running.values().stream().map(s -> s.slot().number()).toList();
        SlotRecords records = new SlotRecords(machine.config().slots());
        records.begin(used);
        this.slots = new SlotPool(machine.config(), new SlotMaker(machine.config(), machine.nft()), records, used);
        running.values().forEach(this::watch);
    }

    /** Opens the runtime, takes over the sandboxes that run, and removes what is left of others. */
    public static OciRuntime open(RuntimeConfig config, ProcessExits exits) throws IOException {
        Machine machine = Machine.open(config);
        EventLoop loop = EventLoop.start("runtime");
        try {
            return new OciRuntime(machine, loop, exits);
        } catch (IOException | RuntimeException e) {
            loop.close();
            machine.close();
            throw e;
        }
    }

    /**
     * What is on the machine and belongs to no sandbox that runs and no slot of an open runtime. Safe at any time: it
     * only reads. What is being made or removed just then may be among it, and is not when asked again.
     */
    public static List<Leak> leaks(RuntimeConfig config) throws IOException {
        return new LeakReport(config).run();
    }

    /** IDs of the sandboxes that have living processes, whether or not a runtime is open. Only reads. */
    public static Set<String> alive(RuntimeConfig config) throws IOException {
        return new LeakReport(config).running();
    }

    /** Ends all sandboxes of a runtime that is not open and takes everything of it off the machine. */
    public static void purge(RuntimeConfig config) throws IOException {
        try (Machine machine = Machine.open(config)) {
            new Purge(machine).run();
        }
    }

    @Override
    public RunningSandbox start(RuntimeSpec spec) throws RuntimeFailure {
        if (!starting.add(spec.id())) {
            throw new RuntimeFailure("sandbox " + spec.id() + " is being started already", null);
        }
        try {
            return startInSlot(spec);
        } catch (IOException e) {
            throw new RuntimeFailure("could not start sandbox " + spec.id() + ": " + e.getMessage(), e);
        } finally {
            starting.remove(spec.id());
        }
    }

    @Override
    public Optional<RunningSandbox> find(String id) {
        return Optional.ofNullable(running.get(id));
    }

    @Override
    public List<RunningSandbox> running() {
        return List.copyOf(running.values());
    }

    @Override
    public boolean kill(String id) throws RuntimeFailure {
        OciSandbox sandbox = running.get(id);
        if (sandbox == null) {
            return false;
        }
        endLater(sandbox);
        try {
            Launcher.join(sandbox.ended());
            return true;
        } catch (IOException e) {
            throw new RuntimeFailure("could not end sandbox " + id + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void harvest(String id, Path target) throws RuntimeFailure {
        OciSandbox sandbox = running.get(id);
        if (sandbox == null || !sandbox.ending().compareAndSet(false, true)) {
            throw new RuntimeFailure("sandbox " + id + " has ended", null);
        }
        CompletableFuture<Boolean> moved = new CompletableFuture<>();
        CompletableFuture<Boolean> _ = sandbox.ended().whenComplete((_, failure) -> {
            if (failure != null) {
                moved.completeExceptionally(failure);
            }
        });
        enders.execute(() -> end(sandbox, () -> move(machine.journal().upper(id), target, moved)));
        try {
            Launcher.join(moved);
            start.files(sandbox, target).withdraw();
        } catch (IOException e) {
            throw new RuntimeFailure("could not take the files of sandbox " + id + ": " + e.getMessage(), e);
        }
    }

    private static void move(Path from, Path to, CompletableFuture<Boolean> moved) {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
            moved.complete(true);
        } catch (IOException | RuntimeException e) {
            moved.completeExceptionally(e);
        }
    }

    @Override
    public RuntimeStatus status() {
        return new RuntimeStatus(
                "oci",
                machine.oci().program().toString(),
                machine.cgroups().version(),
                running.size(),
                slots.readyCount(),
                slots.freeCount());
    }

    @Override
    public List<Leak> leaks() {
        try {
            Set<String> known = new HashSet<>(running.keySet());
            known.addAll(starting);
            return new LeakScan(machine).run(new LeakScan.Known(known, slots.numbers()), forgotten());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("could not look for leaks", e);
        }
    }

    private List<String> forgotten() throws IOException {
        return machine.trash().forgotten().stream()
                .map(name -> machine.config().trash().resolve(name).toString())
                .toList();
    }

    @Override
    public void keepAll() {
        keeping = true;
        running.values().forEach(sandbox -> sandbox.ending().set(true));
    }

    @Override
    public void close() {
        keepAll();
        enders.close();
        launchers.forEach(Launcher::close);
        slots.close();
        running.values().forEach(sandbox -> {
            sandbox.letGo();
            sandbox.slot().close();
            sandbox.ended().completeExceptionally(new IOException("the runtime has been closed"));
        });
        running.clear();
        start.close();
        loop.close();
        machine.close();
    }

    private RunningSandbox startInSlot(RuntimeSpec spec) throws IOException {
        Slot slot = slots.claim();
        Journal.Entry entry = new Journal.Entry(spec, slot.number(), Instant.now());
        try {
            machine.journal().write(entry);
        } catch (IOException e) {
            slots.giveBack(slot);
            throw e instanceof FileAlreadyExistsException ? new IOException("there is one of that ID", e) : e;
        }
        try {
            setInternet(slot, spec.allowInternet());
            OciSandbox sandbox = launch(entry, slot);
            running.put(spec.id(), sandbox);
            watch(sandbox);
            return sandbox;
        } catch (IOException | RuntimeException e) {
            undo(spec, slot, e);
            throw e;
        }
    }

    private OciSandbox launch(Journal.Entry entry, Slot slot) throws IOException {
        Launcher launcher = takeLauncher();
        try {
            return start.start(entry, slot, launcher);
        } finally {
            launchers.add(launcher);
        }
    }

    private Launcher takeLauncher() throws IOException {
        try {
            Launcher launcher = launchers.poll(60, TimeUnit.SECONDS);
            if (launcher == null) {
                throw new IOException("too many sandboxes are being started");
            }
            return launcher;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private void undo(RuntimeSpec spec, Slot slot, Exception cause) {
        try {
            remains.remove(spec.id());
            release(slot, spec);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private void watch(OciSandbox sandbox) {
        sandbox.connection().onClose(() -> endLater(sandbox));
    }

    private void endLater(OciSandbox sandbox) {
        if (!keeping && sandbox.ending().compareAndSet(false, true)) {
            enders.execute(() -> end(sandbox, () -> {}));
        }
    }

    /** @param last done when nothing runs in the sandbox any more and its files are still there; does not fail */
    private void end(OciSandbox sandbox, Runnable last) {
        try {
            killProcesses(sandbox);
            sandbox.letGo();
            last.run();
            remains.remove(sandbox.id());
            release(sandbox.slot(), sandbox.spec());
            running.remove(sandbox.id());
            sandbox.ended().complete(true);
        } catch (IOException | RuntimeException e) {
            LOG.error("could not end sandbox {}", sandbox.id(), e);
            sandbox.ended().completeExceptionally(e);
        }
    }

    /** The end of PID 1 is the end of all: the kernel sees to it before it tells. */
    private static void killProcesses(OciSandbox sandbox) throws IOException {
        sandbox.cgroup().kill();
        if (!sandbox.process().awaitEnd(KILL_LIMIT)) {
            throw new IOException("process " + sandbox.process().pid() + " does not end");
        }
        sandbox.process().reap();
    }

    private void setInternet(Slot slot, boolean allowed) throws IOException {
        if (!allowed) {
            firewall.offline(slot.address(), true);
        }
    }

    private void release(Slot slot, RuntimeSpec spec) throws IOException {
        if (!spec.allowInternet()) {
            firewall.offline(slot.address(), false);
        }
        slots.giveBack(slot);
    }

    private void takeOverAll() throws IOException {
        Together.each(remains.ids(), id -> {
            Optional<Journal.Entry> entry = machine.journal().read(id);
            Optional<OciSandbox> found = entry.isPresent() ? takeOver(entry.get()) : Optional.empty();
            if (found.isPresent()) {
                running.put(id, found.get());
            } else {
                remains.remove(id);
            }
        });
    }

    /** A start that was cut off may have left a supervisor that had not reached its group yet. */
    private void killStrays() throws IOException {
        List<Integer> used =
                running.values().stream().map(s -> s.slot().number()).toList();
        for (int pid : new LeakScan(machine).strays(used)) {
            try (Pidfd process = Pidfd.open(pid)) {
                process.signal(SIGKILL);
            } catch (LinuxException e) {
                if (!e.is(Errno.ESRCH)) {
                    throw e;
                }
            }
        }
    }

    private void removeUnusedLinks() throws IOException {
        Set<String> used = new HashSet<>();
        running.values()
                .forEach(s -> used.add(machine.config().linkName(s.slot().number())));
        try (Netlink netlink = Netlink.open()) {
            for (String link : new LeakScan(machine).links()) {
                if (!used.contains(link)) {
                    Purge.deleteLink(netlink, link);
                }
            }
        }
    }

    private Optional<OciSandbox> takeOver(Journal.Entry entry) {
        try {
            return Optional.of(start.takeOver(entry));
        } catch (IOException e) {
            LOG.info("sandbox {} no longer runs: {}", entry.spec().id(), e.getMessage());
            return Optional.empty();
        }
    }

    private List<Inet4Address> offlineAddresses() {
        return running.values().stream()
                .filter(s -> !s.spec().allowInternet())
                .map(OciSandbox::address)
                .toList();
    }

    private static BlockingQueue<Launcher> launchers(Machine machine) throws IOException {
        int count = machine.config().concurrentStarts();
        List<Launcher> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(Launcher.open(machine.config().mountPoints().resolve(Integer.toString(i)), machine.cgroups()));
        }
        return new ArrayBlockingQueue<>(count, true, all);
    }
}

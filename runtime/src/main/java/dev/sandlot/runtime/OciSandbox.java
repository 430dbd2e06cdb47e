package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroup;
import dev.sandlot.linux.CgroupUsage;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.ListeningPorts;
import dev.sandlot.linux.Namespaces;
import dev.sandlot.linux.Pidfd;
import dev.sandlot.supervisor.Supervisor;
import dev.sandlot.supervisor.SupervisorConnection;
import java.io.IOException;
import java.net.Inet4Address;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A running sandbox and everything that keeps it in hand.
 *
 * @param ending set by whoever ends it, or lets go of it
 * @param ended completed when nothing of it is left
 */
record OciSandbox(
        Journal.Entry entry,
        Path directory,
        Slot slot,
        Cgroup cgroup,
        SupervisorConnection connection,
        Pidfd process,
        Fd root,
        AtomicBoolean ending,
        CompletableFuture<Boolean> ended)
        implements RunningSandbox {
    OciSandbox(
            Journal.Entry entry,
            Path directory,
            Slot slot,
            Cgroup cgroup,
            SupervisorConnection connection,
            Pidfd process,
            Fd root) {
        this(entry, directory, slot, cgroup, connection, process, root, new AtomicBoolean(), new CompletableFuture<>());
    }

    @Override
    public String id() {
        return entry.spec().id();
    }

    @Override
    public RuntimeSpec spec() {
        return entry.spec();
    }

    @Override
    public Supervisor supervisor() {
        return connection;
    }

    @Override
    public int uidBase() {
        return slot.uidBase();
    }

    @Override
    public Inet4Address address() {
        return slot.address();
    }

    @Override
    public SocketChannel openSocket() throws IOException {
        return Namespaces.inside(slot.network(), Namespaces.Kind.NET, SocketChannel::open);
    }

    @Override
    public Set<Integer> listening() throws IOException {
        return ListeningPorts.of(process.pid());
    }

    @Override
    public Instant startedAt() {
        return entry.startedAt();
    }

    @Override
    public CgroupUsage usage() throws IOException {
        return cgroup.usage();
    }

    @Override
    public void freeze() throws IOException {
        cgroup.freeze();
    }

    @Override
    public void thaw() throws IOException {
        cgroup.thaw();
    }

    @Override
    public void onEnd(Runnable action) {
        CompletableFuture<Void> _ = ended.thenRun(action);
    }

    /** Closes what is open here; the sandbox itself goes on. */
    void letGo() {
        connection.close();
        process.close();
        root.close();
    }
}

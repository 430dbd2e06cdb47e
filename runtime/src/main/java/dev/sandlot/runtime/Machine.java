package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.ChildProcess;
import dev.sandlot.linux.FileLease;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.ProcFile;
import dev.sandlot.supervisor.SupervisorBinary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What the runtime has of the machine as long as it is open. */
record Machine(RuntimeConfig config, FileLease lease, Cgroups cgroups, Journal journal, Trash trash, Tool nft, Tool oci)
        implements AutoCloseable {
    private static final Set<PosixFilePermission> PASSABLE = PosixFilePermissions.fromString("rwx--x--x");
    private static final Path INOTIFY = Path.of("/proc/sys/fs/inotify/max_user_instances");
    private static final int INOTIFY_INSTANCES = 8192;
    private static final Duration LEASE_LIMIT = Duration.ofSeconds(2);

    /** Takes what the runtime needs, for one process at a time. */
    static Machine open(RuntimeConfig config) throws IOException {
        OwnerOnly.directory(config.dataDirectory());
        passable(config.runDirectory());
        FileLease lease = lease(config);
        try {
            return open(config, lease);
        } catch (IOException | RuntimeException e) {
            lease.close();
            throw e;
        }
    }

    private static Machine open(RuntimeConfig config, FileLease lease) throws IOException {
        OwnerOnly.directory(config.sandboxes());
        passable(config.mountPoints());
        OwnerOnly.directory(config.runSandboxes());
        OwnerOnly.directory(config.ociState());
        raiseInotify();
        ChildProcess.adoptOrphans();
        SupervisorBinary.installTo(config.supervisor());
        return new Machine(
                config,
                lease,
                Cgroups.open(config.cgroupParent()),
                new Journal(config.sandboxes()),
                new Trash(config.trash()),
                Tool.require("nft"),
                Tool.require(config.ociRuntime()));
    }

    /** Waits a little for a process that has been killed and is not quite gone. */
    private static FileLease lease(RuntimeConfig config) throws IOException {
        OwnerOnly.file(config.lock());
        long deadline = System.nanoTime() + LEASE_LIMIT.toNanos();
        while (true) {
            Optional<FileLease> lease = FileLease.tryTake(config.lock());
            if (lease.isPresent()) {
                return lease.get();
            }
            if (System.nanoTime() > deadline) {
                throw new IOException(
                        "the sandboxes of " + config.dataDirectory() + " belong to another process that runs");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    /** Lets another process have it. */
    @Override
    public void close() {
        trash.close();
        lease.close();
    }

    /** All users of a sandbox count against the limit of the machine's namespace above theirs. */
    private static void raiseInotify() throws IOException {
        raise(INOTIFY, INOTIFY_INSTANCES);
    }

    /** Makes a limit of the kernel at least this large; one that is larger stays. */
    static void raise(Path limit, long least) throws IOException {
        if (ProcFile.number(limit) < least) {
            Files.writeString(limit, Long.toString(least));
        }
    }

    /**
     * A directory that others pass through and do not list: the OCI runtime and the supervisor reach the root and the
     * supervisor's program by these paths as the sandbox's own root, who owns nothing here.
     */
    static void passable(Path path) throws IOException {
        Files.createDirectories(path);
        Files.setPosixFilePermissions(path, PASSABLE);
    }
}

package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.ChildProcess;
import dev.sandlot.linux.FileLease;
import dev.sandlot.linux.ProcFile;
import dev.sandlot.supervisor.SupervisorBinary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What the runtime has of the machine as long as it is open. */
record Machine(RuntimeConfig config, FileLease lease, Cgroups cgroups, Journal journal, Trash trash, Tool nft, Tool oci)
        implements AutoCloseable {
    private static final String OWNER_ONLY = "rwx------";
    private static final String PASSABLE = "rwx--x--x";
    private static final Path INOTIFY = Path.of("/proc/sys/fs/inotify/max_user_instances");
    private static final int INOTIFY_INSTANCES = 8192;
    private static final Duration LEASE_LIMIT = Duration.ofSeconds(2);

    /** Takes what the runtime needs, for one process at a time. */
    static Machine open(RuntimeConfig config) throws IOException {
        directory(config.dataDirectory(), OWNER_ONLY);
        directory(config.runDirectory(), PASSABLE);
        FileLease lease = lease(config);
        try {
            return open(config, lease);
        } catch (IOException | RuntimeException e) {
            lease.close();
            throw e;
        }
    }

    private static Machine open(RuntimeConfig config, FileLease lease) throws IOException {
        directory(config.sandboxes(), OWNER_ONLY);
        directory(config.mountPoints(), PASSABLE);
        directory(config.runSandboxes(), OWNER_ONLY);
        directory(config.ociState(), OWNER_ONLY);
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
        if (!Files.exists(config.lock())) {
            Files.write(config.lock(), new byte[0]);
        }
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

    private static void directory(Path path, String mode) throws IOException {
        Files.createDirectories(path);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }
}

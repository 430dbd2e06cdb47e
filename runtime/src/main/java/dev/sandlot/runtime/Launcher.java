package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroup;
import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.ChildProcess;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Mounts;
import dev.sandlot.linux.Namespaces;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * One thread with a mount namespace of its own, in which the root of a sandbox is mounted for just as long as the OCI
 * runtime needs to make the sandbox's own copy of it. So no sandbox's root is ever in the machine's mount table, and
 * none outlives its sandbox. Where threads can be put in control groups, the sandbox is born in its own.
 */
final class Launcher implements AutoCloseable {
    /**
     * What to launch.
     *
     * @param layers directories, the lowest first
     * @param command of the OCI runtime
     */
    record Launch(
            Slot slot,
            List<Path> layers,
            Path upper,
            Path work,
            Cgroup cgroup,
            List<String> command,
            Map<Integer, Fd> descriptors) {}

    private final ExecutorService thread;
    /** Ended OCI runtimes of which a helper process may still be there; used by the thread alone. */
    private final List<ChildProcess> remains = new ArrayList<>();

    private final Path mountPoint;
    private final Cgroups cgroups;

    private Launcher(ExecutorService thread, Path mountPoint, Cgroups cgroups) {
        this.thread = thread;
        this.mountPoint = mountPoint;
        this.cgroups = cgroups;
    }

    static Launcher open(Path mountPoint, Cgroups cgroups) throws IOException {
        Machine.passable(mountPoint);
        ExecutorService thread = Executors.newSingleThreadExecutor(Thread.ofPlatform()
                .daemon()
                .name("launcher-" + mountPoint.getFileName())
                .factory());
        Launcher launcher = new Launcher(thread, mountPoint, cgroups);
        launcher.call(() -> {
            Namespaces.unshareMounts();
            Mounts.makeSlave();
            for (Path disturbing : cgroups.disturbingMounts()) {
                Mounts.detach(disturbing);
            }
            return mountPoint;
        });
        return launcher;
    }

    /** Where the root is while the OCI runtime looks. */
    Path mountPoint() {
        return mountPoint;
    }

    /**
     * Starts the OCI runtime over the mounted root. An interrupt does not cut this off: the caller must know what
     * there is to undo.
     *
     * @return its exit code, once it has ended and the root is gone from here
     */
    CompletableFuture<Integer> launch(Launch launch) throws IOException {
        CompletableFuture<Integer> ended = new CompletableFuture<>();
        CompletableFuture<Boolean> started = new CompletableFuture<>();
        thread.execute(() -> {
            try {
                ended.complete(run(launch, started));
            } catch (Throwable t) {
                started.completeExceptionally(t);
                ended.completeExceptionally(t);
            }
        });
        joinToTheEnd(started);
        return ended;
    }

    @Override
    public void close() {
        thread.close();
    }

    private int run(Launch launch, CompletableFuture<Boolean> started) throws IOException {
        mountRoot(launch);
        try {
            ChildProcess child = spawn(launch);
            started.complete(true);
            int code = child.await();
            remains.add(child);
            return code;
        } finally {
            Mounts.detach(mountPoint);
            reapRemains();
        }
    }

    /** The OCI runtime does not wait for all of its own processes, which then are children of this one. */
    private void reapRemains() throws LinuxException {
        for (Iterator<ChildProcess> each = remains.iterator(); each.hasNext(); ) {
            if (!each.next().reapGroup()) {
                each.remove();
            }
        }
    }

    private void mountRoot(Launch launch) throws IOException {
        List<Fd> lowers = new ArrayList<>();
        try {
            for (Path layer : launch.layers().reversed()) {
                lowers.add(Mounts.idmapped(layer, launch.slot().user()));
            }
            Mounts.overlay(lowers.stream().map(Fd::procPath).toList(), launch.upper(), launch.work(), mountPoint);
        } finally {
            lowers.forEach(Fd::close);
        }
    }

    private ChildProcess spawn(Launch launch) throws IOException {
        Map<String, String> environment = Map.of("PATH", Tool.PATH, "_LIBCONTAINER_CLONED_BINARY", "1");
        if (!cgroups.movesThreads()) {
            return ChildProcess.start(launch.command(), environment, launch.descriptors());
        }
        launch.cgroup().enter();
        try {
            return ChildProcess.start(launch.command(), environment, launch.descriptors());
        } finally {
            cgroups.leave();
        }
    }

    private <T> T call(Callable<T> action) throws IOException {
        CompletableFuture<T> result = new CompletableFuture<>();
        thread.execute(() -> {
            try {
                result.complete(action.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return join(result);
    }

    private static <T> T joinToTheEnd(CompletableFuture<T> future) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw failure(e);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static IOException failure(ExecutionException e) {
        return e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
    }

    static <T> T join(CompletableFuture<T> future) throws IOException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw failure(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}

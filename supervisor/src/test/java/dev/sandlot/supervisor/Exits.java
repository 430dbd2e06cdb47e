package dev.sandlot.supervisor;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Remembers the ends that were told. */
final class Exits implements Supervisor.ExitListener {
    private final Map<Integer, CompletableFuture<Integer>> statuses = new HashMap<>();

    @Override
    public void exited(int pid, int rawStatus) {
        of(pid).complete(rawStatus);
    }

    int await(int pid) throws Exception {
        return of(pid).get(20, TimeUnit.SECONDS);
    }

    boolean isKnown(int pid) {
        return of(pid).isDone();
    }

    private synchronized CompletableFuture<Integer> of(int pid) {
        return statuses.computeIfAbsent(pid, _ -> new CompletableFuture<>());
    }
}

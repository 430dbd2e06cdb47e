package dev.sandlot.runtime;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The same done for many things, a few at once, on threads that end with it. */
public final class Together {
    private static final int AT_ONCE = 4;

    private Together() {}

    /** What is done for one of them. */
    @FunctionalInterface
    public interface Task<T> {
        void run(T thing) throws IOException;
    }

    /**
     * Does it for each and returns when all are done.
     *
     * @throws IOException of the first that failed, with those of the others; the rest was done all the same
     */
    public static <T> void each(Collection<T> things, Task<T> task) throws IOException {
        List<Future<?>> all = new ArrayList<>(things.size());
        try (ExecutorService threads = Executors.newFixedThreadPool(
                AT_ONCE, Thread.ofPlatform().daemon().name("together-", 0).factory())) {
            for (T thing : things) {
                all.add(threads.submit(() -> {
                    task.run(thing);
                    return thing;
                }));
            }
        }
        throwFirst(all);
    }

    private static void throwFirst(List<Future<?>> all) throws IOException {
        List<Throwable> failures = all.stream()
                .filter(each -> each.state() == Future.State.FAILED)
                .map(Future::exceptionNow)
                .toList();
        if (!failures.isEmpty()) {
            IOException failure = new IOException(failures.getFirst().getMessage(), failures.getFirst());
            failures.stream().skip(1).forEach(failure::addSuppressed);
            throw failure;
        }
    }
}

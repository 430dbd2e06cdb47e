package dev.sandlot.envd;

import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectErrors;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has the files of one sandbox used on threads of the kernel's own, because a file system may let a call wait for ever
 * (FUSE whose program is stopped, NFS without its server) and nothing can end that call. A virtual thread would keep
 * one of the few threads below all of them, and with it every other sandbox, from its work.
 *
 * <p>So a call that has not come back in time is answered for and its thread is left behind until the kernel returns.
 * Threads that a sandbox may hold are counted; when all are held, further calls fail after the same time. Time that is
 * spent waiting for the client does not count. Safe for several threads.
 */
final class FileCalls {
    private static final int AT_ONCE = 64;
    /** How long a call may take, unless said. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Executor threads;
    private final Semaphore places = new Semaphore(AT_ONCE);
    private final Duration patience;

    /** @param patience how long a call may take, and how long it may wait for its turn */
    FileCalls(Executor threads, Duration patience) {
        this.threads = threads;
        this.patience = patience;
    }

    /** A call that uses files. */
    @FunctionalInterface
    interface Action<T> {
        T run() throws ConnectException, IOException;
    }

    /** A handler that answers as the given one does, which uses files. */
    ExchangeHandler serving(ExchangeHandler handler) {
        return exchange -> serve(exchange, handler);
    }

    /** Answers an exchange by a handler that uses files; ends with it or, when that takes too long, without it. */
    void serve(Exchange exchange, ExchangeHandler handler) throws IOException {
        TimedExchange timed = new TimedExchange(exchange);
        try {
            Call<Boolean> call = start(() -> {
                handler.handle(timed);
                return true;
            });
            boolean done = false;
            while (!done) {
                done = call.endsWithin(remaining(timed));
            }
            Boolean _ = call.result();
        } catch (Overdue e) {
            giveUp(exchange, timed, e);
        } catch (ConnectException e) {
            throw new IOException(e);
        }
    }

    private long remaining(TimedExchange timed) throws Overdue {
        long left = patience.toNanos() - timed.busyNanos();
        if (left <= 0) {
            throw new Overdue(patience);
        }
        return left;
    }

    /**
     * Runs an action that uses files. What it gives when nobody waits for it any more is closed, if it can be.
     *
     * @throws ConnectException of the action, or {@code deadline_exceeded} when it took too long
     */
    <T> T call(Action<T> action) throws ConnectException, IOException {
        try {
            Call<T> call = start(action);
            if (!call.endsWithin(patience.toNanos())) {
                call.leave();
                throw new Overdue(patience);
            }
            return call.result();
        } catch (Overdue e) {
            throw new ConnectException(ConnectCode.DEADLINE_EXCEEDED, String.valueOf(e.getMessage()), e);
        }
    }

    private <T> Call<T> start(Action<T> action) throws Overdue, InterruptedIOException {
        try {
            if (!places.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new Overdue(patience);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        Call<T> call = new Call<>(action);
        threads.execute(() -> {
            try {
                call.run();
            } finally {
                places.release();
            }
        });
        return call;
    }

    /** One call under way. */
    private static final class Call<T> {
        private final CompletableFuture<T> future = new CompletableFuture<>();
        private final Action<T> action;

        Call(Action<T> action) {
            this.action = action;
        }

        void run() {
            try {
                T result = action.run();
                if (!future.complete(result) && result instanceof AutoCloseable unwanted) {
                    unwanted.close();
                }
            } catch (Throwable t) {
                future.completeExceptionally(t);
            }
        }

        /** Has what comes of it closed; not if it has come just now. */
        void leave() {
            future.cancel(false);
        }

        boolean endsWithin(long nanos) throws InterruptedIOException {
            try {
                T _ = future.get(nanos, TimeUnit.NANOSECONDS);
                return true;
            } catch (TimeoutException _) {
                return false;
            } catch (ExecutionException _) {
                return true;
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }

        T result() throws ConnectException, IOException {
            try {
                return future.join();
            } catch (CompletionException e) {
                switch (e.getCause()) {
                    case ConnectException refused -> throw refused;
                    case IOException io -> throw io;
                    case RuntimeException failure -> throw failure;
                    case Error error -> throw error;
                    case null, default -> throw new IOException(e);
                }
            }
        }
    }

    /** That a file system does not answer. */
    private static final class Overdue extends Exception {
        private static final long serialVersionUID = 1L;

        Overdue(Duration patience) {
            super("a file system of the sandbox did not answer within " + patience.toMillis() + " ms");
        }
    }

    private static InterruptedIOException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        InterruptedIOException out = new InterruptedIOException("interrupted while files were used");
        out.initCause(cause);
        return out;
    }

    private static void giveUp(Exchange exchange, TimedExchange timed, Overdue reason) throws IOException {
        String text = String.valueOf(reason.getMessage());
        if (!timed.giveUp()) {
            exchange.abort();
        } else if (exchange.rawPath().startsWith(FilesystemMethods.PREFIX)) {
            ConnectErrors.refuse(exchange, new ConnectException(ConnectCode.DEADLINE_EXCEEDED, text));
        } else {
            RestErrors.send(exchange, 504, text);
        }
    }
}

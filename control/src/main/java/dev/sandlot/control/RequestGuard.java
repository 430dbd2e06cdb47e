package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * Carries out requests while the control plane is ready, each within a deadline: an operation that takes longer is
 * interrupted and its caller told so (public-api.md 1.1). It runs on a virtual thread of its own.
 */
record RequestGuard(BooleanSupplier ready, Duration deadline) {
    /** Something that answers a request. */
    @FunctionalInterface
    interface Work {
        Reply answer() throws ApiException, IOException;
    }

    void checkReady() throws ApiException {
        if (!ready.getAsBoolean()) {
            throw new ApiException(ErrorKind.UNAVAILABLE, "Service is unavailable");
        }
    }

    Reply within(Work work) throws ApiException, IOException {
        Map<String, String> context = MDC.getCopyOfContextMap();
        FutureTask<Reply> task = new FutureTask<>(() -> answer(work, context));
        Thread.ofVirtual().name("request").start(task);
        try {
            return task.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            task.cancel(true);
            throw new ApiException(
                    ErrorKind.OVERDUE, "the request took longer than " + deadline.toSeconds() + " seconds", e);
        } catch (InterruptedException e) {
            task.cancel(true);
            Thread.currentThread().interrupt();
            throw new ApiException(ErrorKind.UNAVAILABLE, "Service is unavailable", e);
        } catch (ExecutionException e) {
            throw cause(e);
        }
    }

    private static Reply answer(Work work, @Nullable Map<String, String> context) throws ApiException, IOException {
        if (context != null) {
            MDC.setContextMap(context);
        }
        return work.answer();
    }

    private static RuntimeException cause(ExecutionException failed) throws ApiException, IOException {
        switch (failed.getCause()) {
            case ApiException e -> throw e;
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case null, default -> throw new IllegalStateException("the request failed", failed);
        }
    }
}

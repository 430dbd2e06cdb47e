package dev.sandlot.envd;

import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.MemoryExchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * An answer that has come.
 *
 * @param declaredLength the length that it declared, -1 for none
 * @param complete whether it was ended properly
 */
record Answer(int status, Headers fields, byte[] bytes, long declaredLength, boolean complete) {
    /** Has an exchange answered; throws what the handler threw. */
    static Answer of(ExchangeHandler handler, MemoryExchange exchange) {
        FutureTask<Void> serving = new FutureTask<>(() -> {
            serve(handler, exchange);
            return null;
        });
        Thread.startVirtualThread(serving);
        try {
            int status = exchange.status();
            byte[] bytes = read(exchange);
            serving.get();
            return new Answer(status, exchange.responseHeaders(), bytes, exchange.declaredLength(), exchange.ended());
        } catch (IOException e) {
            throw failure(serving, e);
        } catch (ExecutionException | InterruptedException e) {
            throw new AssertionError(e.getCause());
        }
    }

    private static void serve(ExchangeHandler handler, MemoryExchange exchange) throws IOException {
        try {
            handler.handle(exchange);
        } catch (IOException | RuntimeException | Error e) {
            exchange.abort();
            throw e;
        }
    }

    private static byte[] read(MemoryExchange exchange) throws IOException {
        try (InputStream body = exchange.responseBody()) {
            return body.readAllBytes();
        }
    }

    private static RuntimeException failure(FutureTask<Void> serving, IOException seen) {
        try {
            serving.get();
            return new UncheckedIOException(seen);
        } catch (ExecutionException e) {
            return e.getCause() instanceof IOException io ? new UncheckedIOException(io) : new AssertionFailure(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new UncheckedIOException(seen);
        }
    }

    private static final class AssertionFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        AssertionFailure(ExecutionException e) {
            super(e.getCause());
        }
    }

    String text() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Nullable String field(String name) {
        return fields.first(name).orElse(null);
    }
}

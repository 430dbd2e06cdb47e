package dev.sandlot.protocol;

import java.io.IOException;

/** Answers requests. Called on a virtual thread, which it may block. */
@FunctionalInterface
public interface ExchangeHandler {
    /**
     * Answers the exchange, wholly, before it returns.
     *
     * @throws IOException when the client is gone or the answer cannot be finished; the exchange is then aborted
     */
    void handle(Exchange exchange) throws IOException;
}

package dev.sandlot.protocol;

import java.time.Duration;
import java.util.Optional;

/** What a handler may know of the call besides its messages. */
public final class ConnectCall {
    private static final int MAX_TIMEOUT_DIGITS = 10;

    private final Exchange exchange;
    private final long timeoutMillis;
    private final Headers responseTrailers = new Headers();

    private ConnectCall(Exchange exchange, long timeoutMillis) {
        this.exchange = exchange;
        this.timeoutMillis = timeoutMillis;
    }

    /** Reads the protocol's own fields (envd.md 5.2). */
    static ConnectCall of(Exchange exchange) throws ConnectException {
        Headers headers = exchange.requestHeaders();
        String version = headers.first("Connect-Protocol-Version").orElse("1");
        if (!version.equals("1")) {
            throw new ConnectException(
                    ConnectCode.INVALID_ARGUMENT, "Connect-Protocol-Version must be \"1\": got \"" + version + '"');
        }
        Optional<String> timeout = headers.first("Connect-Timeout-Ms");
        return new ConnectCall(exchange, timeout.isPresent() ? millis(timeout.get()) : 0);
    }

    /** The fields of the request. */
    public Headers requestHeaders() {
        return exchange.requestHeaders();
    }

    /** The fields of the answer, which may be changed until the first message is sent. */
    public Headers responseHeaders() {
        return exchange.responseHeaders();
    }

    /** What is told after the answer; may be changed until the call has been answered. */
    public Headers responseTrailers() {
        return responseTrailers;
    }

    /** How long the client gives the call; empty for no limit. */
    public Optional<Duration> timeout() {
        return timeoutMillis == 0 ? Optional.empty() : Optional.of(Duration.ofMillis(timeoutMillis));
    }

    /** Runs the action once if the client goes or the exchange is cut before it ends; from any thread. */
    public void onFailure(Runnable action) {
        exchange.onFailure(action);
    }

    private static long millis(String text) throws ConnectException {
        boolean digits = text.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!digits || text.isEmpty() || text.length() > MAX_TIMEOUT_DIGITS) {
            throw new ConnectException(
                    ConnectCode.INVALID_ARGUMENT,
                    "Connect-Timeout-Ms must be at most " + MAX_TIMEOUT_DIGITS + " digits: got \"" + text + '"');
        }
        return Long.parseLong(text);
    }
}

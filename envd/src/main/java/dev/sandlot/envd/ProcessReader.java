package dev.sandlot.envd;

import com.google.protobuf.Message;
import dev.sandlot.protocol.ConnectCall;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectService.Responses;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.process.ProcessEvent;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Sends the events of a process to one client, from its start to its end, on the thread of the call: keeps idle
 * streams alive (envd.md 5.8) and ends the stream when its time is over.
 */
final class ProcessReader {
    private static final long DEFAULT_KEEPALIVE_SECONDS = 90;
    private static final long MAX_KEEPALIVE_SECONDS = 1_000_000;
    private static final ProcessEvent KEEPALIVE = ProcessEvent.newBuilder()
            .setKeepalive(ProcessEvent.KeepAlive.getDefaultInstance())
            .build();

    private final Subscription subscription;
    private final BooleanSupplier overdue;
    private final Responses out;
    private final Function<ProcessEvent, Message> wrap;
    private final long keepaliveNanos;
    private final long deadlineNanos;

    /**
     * @param deadlineNanos when the stream ends, in the terms of {@link System#nanoTime}; Long.MAX_VALUE for never
     * @param overdue whether it is to end in any case
     * @param wrap puts an event into the response of the method
     */
    ProcessReader(
            ConnectCall call,
            Subscription subscription,
            long deadlineNanos,
            BooleanSupplier overdue,
            Responses out,
            Function<ProcessEvent, Message> wrap) {
        this.subscription = subscription;
        this.deadlineNanos = deadlineNanos;
        this.overdue = overdue;
        this.out = out;
        this.wrap = wrap;
        this.keepaliveNanos = TimeUnit.SECONDS.toNanos(keepaliveSeconds(call.requestHeaders()));
        call.onFailure(subscription::close);
    }

    /** Sends everything; returns after the end. */
    void run(int pid) throws ConnectException, IOException {
        ProcessEvent.StartEvent start =
                ProcessEvent.StartEvent.newBuilder().setPid(pid).build();
        out.send(wrap.apply(ProcessEvent.newBuilder().setStart(start).build()));
        long idleSince = System.nanoTime();
        while (true) {
            Optional<ProcessEvent> event = next(idleSince);
            requireTime();
            if (event.isPresent() && event.get().hasEnd()) {
                out.sendLast(wrap.apply(event.get()));
                return;
            }
            if (event.isPresent() || System.nanoTime() - idleSince >= keepaliveNanos) {
                out.send(wrap.apply(event.orElse(KEEPALIVE)));
                idleSince = System.nanoTime();
            } else if (subscription.closed()) {
                throw new IOException("client went away");
            }
        }
    }

    private Optional<ProcessEvent> next(long idleSince) throws IOException {
        long now = System.nanoTime();
        long untilKeepalive = idleSince + keepaliveNanos - now;
        long untilDeadline = deadlineNanos == Long.MAX_VALUE ? Long.MAX_VALUE : deadlineNanos - now;
        try {
            return subscription.next(Math.min(untilKeepalive, untilDeadline));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a process was read");
        }
    }

    private void requireTime() throws ConnectException {
        boolean late = deadlineNanos != Long.MAX_VALUE && System.nanoTime() - deadlineNanos >= 0;
        if (late || overdue.getAsBoolean()) {
            throw new ConnectException(ConnectCode.DEADLINE_EXCEEDED, "context deadline exceeded");
        }
    }

    static long keepaliveSeconds(Headers headers) {
        try {
            long seconds =
                    Long.parseLong(headers.first("Keepalive-Ping-Interval").orElse(""));
            return seconds > 0 ? Math.min(seconds, MAX_KEEPALIVE_SECONDS) : DEFAULT_KEEPALIVE_SECONDS;
        } catch (NumberFormatException _) {
            return DEFAULT_KEEPALIVE_SECONDS;
        }
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.ConnectCall;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectService.Responses;
import dev.sandlot.protocol.filesystem.FilesystemEvent;
import dev.sandlot.protocol.filesystem.WatchDirResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;

/** Sends the events of a watch to one client until it leaves or the time of the call is over (envd.md 5.8, 6.6). */
final class WatchReader {
    private static final Duration FOREVER = Duration.ofDays(365);
    private static final WatchDirResponse START = WatchDirResponse.newBuilder()
            .setStart(WatchDirResponse.StartEvent.getDefaultInstance())
            .build();
    private static final WatchDirResponse KEEPALIVE = WatchDirResponse.newBuilder()
            .setKeepalive(WatchDirResponse.KeepAlive.getDefaultInstance())
            .build();

    private final DirectoryWatch watch;
    private final Responses out;
    private final UnaryOperator<FilesystemEvent> shape;
    private final Duration keepalive;
    private final long deadlineNanos;
    private final AtomicBoolean gone = new AtomicBoolean();

    /** @param shape makes of an event what this client is to see */
    WatchReader(ConnectCall call, DirectoryWatch watch, Responses out, UnaryOperator<FilesystemEvent> shape) {
        this.watch = watch;
        this.out = out;
        this.shape = shape;
        this.keepalive = Duration.ofSeconds(ProcessReader.keepaliveSeconds(call.requestHeaders()));
        this.deadlineNanos = System.nanoTime() + call.timeout().orElse(FOREVER).toNanos();
        call.onFailure(() -> {
            gone.set(true);
            watch.close();
        });
    }

    /** Sends everything; ends by an exception only. */
    void run() throws ConnectException, IOException {
        out.send(START);
        while (true) {
            Duration left = Duration.ofNanos(deadlineNanos - System.nanoTime());
            if (!left.isPositive()) {
                throw new ConnectException(ConnectCode.DEADLINE_EXCEEDED, "context deadline exceeded");
            }
            boolean last = left.compareTo(keepalive) < 0;
            List<FilesystemEvent> events = next(last ? left : keepalive);
            if (gone.get()) {
                throw new IOException("client went away");
            }
            for (FilesystemEvent event : events) {
                out.send(WatchDirResponse.newBuilder()
                        .setFilesystem(shape.apply(event))
                        .build());
            }
            if (events.isEmpty() && !last) {
                out.send(KEEPALIVE);
            }
        }
    }

    private List<FilesystemEvent> next(Duration timeout) throws ConnectException, IOException {
        try {
            return watch.next(timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a directory was watched");
        }
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.process.ProcessEvent.DataEvent;
import java.util.ArrayDeque;
import java.util.List;

/**
 * The newest output of a durable process, so that it can be read again: at most {@link #CAPACITY_BYTES}, of which the
 * oldest goes first. Guarded by the lock of its process.
 */
final class OutputRing {
    static final int CAPACITY_BYTES = 256 << 10;

    /** Small outputs become one, so that what they hold outweighs what they cost. */
    private static final int MERGED_BYTES = 8 << 10;

    private final ArrayDeque<DataEvent> events = new ArrayDeque<>();
    private int bytes;
    private long lostBytes;

    void add(DataEvent event) {
        DataEvent last = events.peekLast();
        if (last != null && last.getOutputCase() == event.getOutputCase() && size(last) + size(event) <= MERGED_BYTES) {
            events.removeLast();
            events.addLast(merged(last, event));
        } else {
            events.addLast(event);
        }
        bytes += size(event);
        while (bytes > CAPACITY_BYTES) {
            int oldest = size(events.removeFirst());
            bytes -= oldest;
            lostBytes += oldest;
        }
    }

    /** What is kept, oldest first. */
    List<DataEvent> events() {
        return List.copyOf(events);
    }

    /** How much of the output no longer is. */
    long lostBytes() {
        return lostBytes;
    }

    private static DataEvent merged(DataEvent first, DataEvent second) {
        return switch (first.getOutputCase()) {
            case STDOUT ->
                DataEvent.newBuilder()
                        .setStdout(first.getStdout().concat(second.getStdout()))
                        .build();
            case STDERR ->
                DataEvent.newBuilder()
                        .setStderr(first.getStderr().concat(second.getStderr()))
                        .build();
            case PTY ->
                DataEvent.newBuilder()
                        .setPty(first.getPty().concat(second.getPty()))
                        .build();
            case OUTPUT_NOT_SET -> second;
        };
    }

    private static int size(DataEvent event) {
        return event.getStdout().size()
                + event.getStderr().size()
                + event.getPty().size();
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.process.StartRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What must be remembered of a sandbox's processes so that a program that starts anew can take them over from the
 * supervisor. Safe for several threads.
 */
public interface ProcessJournal {
    /**
     * A process that was, or was about to be, started.
     *
     * @param cookie its number at the supervisor
     * @param request as the client sent it
     * @param deadline when it is to be killed, or null
     * @param durable whether its newest output is kept to be read again
     * @param ending how it ended, of a durable process that has; or null
     */
    record Entry(
            long cookie,
            StartRequest request,
            @Nullable Instant deadline,
            boolean durable,
            @Nullable Ending ending) {
        /** A process that has not ended. */
        Entry(long cookie, StartRequest request, @Nullable Instant deadline, boolean durable) {
            this(cookie, request, deadline, durable, null);
        }
    }

    /**
     * How a process ended.
     *
     * @param rawStatus as the kernel tells it
     */
    record Ending(int pid, int rawStatus, Instant at) {}

    /** Notes a process before it is started, or again once it has ended. */
    void save(Entry entry) throws IOException;

    /** Forgets a process; nothing happens when it is not known. */
    void remove(long cookie) throws IOException;

    /** All that was saved and not removed. */
    List<Entry> load() throws IOException;

    /** The directory for the output of durable processes, which is made when it is needed; without one none is kept. */
    Optional<Path> outputs();

    /** A journal that keeps nothing: processes are lost to the next program. */
    static ProcessJournal none() {
        return new ProcessJournal() {
            @Override
            public void save(Entry entry) {}

            @Override
            public void remove(long cookie) {}

            @Override
            public List<Entry> load() {
                return List.of();
            }

            @Override
            public Optional<Path> outputs() {
                return Optional.empty();
            }
        };
    }
}

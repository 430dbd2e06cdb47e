package dev.sandlot.envd;

import dev.sandlot.protocol.process.StartRequest;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
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
     */
    record Entry(
            long cookie, StartRequest request, @Nullable Instant deadline, boolean durable) {}

    /** Notes a process before it is started. */
    void save(Entry entry) throws IOException;

    /** Forgets a process; nothing happens when it is not known. */
    void remove(long cookie) throws IOException;

    /** All that was saved and not removed. */
    List<Entry> load() throws IOException;

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
        };
    }
}

package dev.sandlot.builds;

import dev.sandlot.protocol.BuildLogEntry;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The log of one build, one JSON document a line, in memory as well while the build is at work. Beyond a size only
 * errors are kept. Safe for many threads.
 */
final class LogFile implements BuildLog, AutoCloseable {
    static final long MAX_BYTES = 16L << 20;

    private static final Logger LOG = LoggerFactory.getLogger(LogFile.class);
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Path file;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private final OutputStream out;
    private final List<BuildLogEntry> entries = new ArrayList<>();
    private long bytes;
    private boolean full;
    private boolean closed;

    LogFile(Path file) throws IOException {
        this.file = file;
        this.out = new FileOutputStream(file.toFile(), true);
    }

    @Override
    public void line(BuildLogEntry.Level level, String step, String text) {
        lock.lock();
        try {
            if (!full || level == BuildLogEntry.Level.ERROR) {
                write(level, step, text);
            }
            if (!full && bytes > MAX_BYTES) {
                full = true;
                write(BuildLogEntry.Level.WARN, step, "the log is full: what is written from now on is not kept");
            }
        } finally {
            lock.unlock();
        }
    }

    void error(String step, String text) {
        line(BuildLogEntry.Level.ERROR, step, text);
    }

    private void write(BuildLogEntry.Level level, String step, String text) {
        for (String line : text.split("\n")) {
            if (!closed) {
                write(new BuildLogEntry(Clock.systemUTC().instant(), level, line, step.isEmpty() ? null : step));
            }
        }
    }

    private void write(BuildLogEntry entry) {
        entries.add(entry);
        byte[] json = (JSON.writeValueAsString(Row.of(entry)) + "\n").getBytes(StandardCharsets.UTF_8);
        bytes += json.length;
        try {
            out.write(json);
        } catch (IOException e) {
            LOG.warn("a line of the build log {} is lost", file, e);
        }
    }

    /** All lines so far. */
    List<BuildLogEntry> entries() {
        lock.lock();
        try {
            return List.copyOf(entries);
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is written after this. */
    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            closed = true;
            out.close();
        } finally {
            lock.unlock();
        }
    }

    /** The log of a build that is no longer at work; a line that was cut off is left out. */
    static List<BuildLogEntry> read(Path file) throws IOException {
        List<BuildLogEntry> entries = new ArrayList<>();
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                entries.add(JSON.readValue(line, Row.class).entry());
            }
        } catch (NoSuchFileException none) {
            return entries;
        } catch (JacksonException e) {
            LOG.debug("the build log {} ends in a line that was cut off", file, e);
        }
        return entries;
    }

    /** The form of a line: milliseconds, level, step, text. */
    private record Row(
            long t, BuildLogEntry.Level l, @Nullable String s, String m) {
        static Row of(BuildLogEntry entry) {
            return new Row(entry.timestamp().toEpochMilli(), entry.level(), entry.step(), entry.message());
        }

        BuildLogEntry entry() {
            return new BuildLogEntry(Instant.ofEpochMilli(t), l, m, s);
        }
    }
}

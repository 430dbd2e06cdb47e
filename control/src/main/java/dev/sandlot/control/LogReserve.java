package dev.sandlot.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Room on the disk that belongs to an SQLite database alone: its write-ahead log, written out beforehand. SQLite uses
 * such a file from its beginning again and again and never makes it shorter, so changes go on when nothing is left on
 * the disk.
 *
 * <p>The file has a second name, {@code DATABASE-reserve}, which keeps its room when the last connection is closed and
 * SQLite takes the log away. The next start gives it the log's name again, after it has made its header one of no log:
 * nothing in it is ever taken for a change.
 */
final class LogReserve {
    /** One region of the log's index tells of 4062 pages, so that the index need not grow either. */
    static final long BYTES = 15L << 20;

    private static final Logger LOG = LoggerFactory.getLogger(LogReserve.class);
    private static final int HEADER_BYTES = 32;
    private static final int CHUNK_BYTES = 1 << 20;

    private final Path database;
    private final Path log;
    private final Path reserve;

    LogReserve(Path database) {
        this.database = database;
        this.log = database.resolveSibling(database.getFileName() + "-wal");
        this.reserve = database.resolveSibling(database.getFileName() + "-reserve");
    }

    /** The reserve's own name. */
    Path file() {
        return reserve;
    }

    /** Whether the log is the reserve; it stays so through any end of the process. */
    boolean isTheLog() throws IOException {
        return Files.exists(log) && Files.exists(reserve) && Files.isSameFile(log, reserve);
    }

    /** Whether the reserve may become the log: SQLite removes the log of an empty database, and one that is there stays. */
    boolean mayBecomeTheLog() throws IOException {
        return !Files.exists(log) && Files.exists(database) && Files.size(database) > 0;
    }

    /** Makes the reserve the log; one for which there is no room becomes as large as it can. No connection is open. */
    void becomeTheLog() throws IOException {
        fill();
        try {
            Files.createLink(log, reserve);
        } catch (FileAlreadyExistsException e) {
            LOG.info("{} is open elsewhere; its log gets its reserve at the next start", database);
        }
    }

    private void fill() throws IOException {
        try (FileChannel file = FileChannel.open(reserve, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            ByteBuffer nothing = ByteBuffer.allocate(CHUNK_BYTES);
            write(file, nothing.limit(HEADER_BYTES), 0);
            for (long at = file.size(); at < BYTES; at = file.size()) {
                write(file, nothing.clear().limit((int) Math.min(CHUNK_BYTES, BYTES - at)), at);
            }
        } catch (IOException e) {
            LOG.warn("the store has less room of its own on the disk than it should: {}", e.toString());
        }
    }

    private static void write(FileChannel file, ByteBuffer content, long at) throws IOException {
        while (content.hasRemaining()) {
            file.write(content, at + content.position());
        }
    }
}

package dev.sandlot.envd;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.protocol.process.ProcessEvent.DataEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The newest output of a durable process in files, so that it can be read again, also by the program that comes after
 * this one was killed. Guarded by the lock of its process.
 *
 * <p>A file is a run of frames, one for each change between the process's streams: the letter of the
 * {@link OutputPump.Kind} in one byte, the length in four (big-endian, -1: to the end of the file), then the bytes.
 * Files are named {@code COOKIE.START} in hexadecimal, START being how much output came before the file. Each is filled
 * to {@link #FILE_BYTES}, frames included; as many are kept as hold the newest {@link #KEPT_BYTES} of output, but no
 * more than {@link #MAX_FILES}.
 *
 * <p>Invariant: the frame is there before its bytes, and bytes go from the pipe to the file in one step of the kernel.
 * So the files hold exactly what the pipes no longer do, wherever the program is killed. Of a terminal, which is no
 * pipe, what was being read at that moment may be lost.
 */
final class KeptOutput {
    static final int KEPT_BYTES = 256 << 10;
    static final int FILE_BYTES = 128 << 10;
    static final int MAX_FILES = 8;

    private static final Logger LOG = LoggerFactory.getLogger(KeptOutput.class);
    private static final int HEAD_BYTES = 5;
    private static final int OPEN_END = -1;
    private static final int FILE_MODE = 0600;
    private static final int HEX = 16;

    private final Path directory;
    private final String name;
    private final ArrayDeque<Long> starts = new ArrayDeque<>();
    private long total;
    private boolean failed;

    // The file that is written: null at the beginning, when it is full, and after close.
    private @Nullable Fd file;
    private int size;
    private OutputPump.@Nullable Kind kind;
    private int frame;

    private KeptOutput(Path directory, long cookie) {
        this.directory = directory;
        this.name = Long.toHexString(cookie);
    }

    /** The output of a process in a directory of the caller's, with what an earlier program kept of it there. */
    static KeptOutput of(Path directory, long cookie) throws IOException {
        KeptOutput kept = new KeptOutput(directory, cookie);
        List<Long> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(OwnerOnly.directory(directory))) {
            for (Path path : files.toList()) {
                String[] parts = path.getFileName().toString().split("\\.", 2);
                if (parts.length == 2 && parts[0].equals(kept.name)) {
                    found.add(Long.parseLong(parts[1], HEX));
                }
            }
        }
        found.stream().sorted().forEach(kept.starts::add);
        if (!found.isEmpty()) {
            kept.total = kept.starts.getLast() + size(kept.frames(kept.starts.getLast()));
            kept.dropEmpty();
        }
        return kept;
    }

    /** A file without output would have the name of the next. */
    private void dropEmpty() throws IOException {
        if (starts.getLast() == total) {
            Files.deleteIfExists(path(starts.removeLast()));
        }
    }

    /** The cookie of the process whose output a file of the directory is. */
    static long cookie(Path file) {
        return Long.parseUnsignedLong(file.getFileName().toString().split("\\.", 2)[0], HEX);
    }

    /**
     * Moves bytes from an output of the process to the files, and gives a copy of them.
     *
     * @param most how many bytes at most
     * @param into gets the copy, from its position on
     * @return how many bytes, {@link Io#END} or {@link Io#WOULD_BLOCK}
     */
    int take(Fd output, OutputPump.Kind from, int most, ByteBuffer into) throws IOException {
        if (failed) {
            return counted(from.read(output, into.limit(into.position() + most)));
        }
        try {
            return from == OutputPump.Kind.TERMINAL
                    ? copied(output, from, into.limit(into.position() + most))
                    : moved(output, from, most, into);
        } catch (StorageException e) {
            fail(e);
            return take(output, from, most, into);
        }
    }

    private int moved(Fd output, OutputPump.Kind from, int most, ByteBuffer into) throws IOException, StorageException {
        Fd target = prepare(from);
        int count = splice(output, target, Math.min(most, FILE_BYTES - size));
        if (count <= 0) {
            return count;
        }
        byte[] bytes = new byte[count];
        int read = storing(() -> FileIo.readAt(target, size, bytes, 0, count));
        if (read != count) {
            throw new IOException("output that was kept is no longer there: " + read + " of " + count + " bytes");
        }
        into.put(bytes);
        size += count;
        return counted(count);
    }

    private static int splice(Fd output, Fd target, int most) throws StorageException {
        return storing(() -> Io.splice(output, target, most));
    }

    private int copied(Fd output, OutputPump.Kind from, ByteBuffer into) throws IOException, StorageException {
        Fd target = prepare(from);
        int begin = into.position();
        int count = from.read(output, into.limit(Math.min(into.limit(), begin + FILE_BYTES - size)));
        if (count > 0) {
            byte[] bytes = new byte[count];
            into.get(begin, bytes);
            counted(count);
            size += count;
            try {
                storing(() -> {
                    FileIo.write(target, bytes, 0, count);
                    return count;
                });
            } catch (StorageException e) {
                fail(e);
            }
        }
        return count;
    }

    private int counted(int count) {
        total += Math.max(0, count);
        return count;
    }

    /** The file to write to, with a frame of the kind at its end and room for a byte. */
    private Fd prepare(OutputPump.Kind next) throws StorageException {
        if (file != null && kind != next && size > frame + HEAD_BYTES) {
            endFrame();
        }
        boolean room = size + (kind == next ? 0 : HEAD_BYTES) < FILE_BYTES;
        if (file != null && !room) {
            closeFile();
        }
        Fd target = file == null ? begin() : file;
        if (kind != next) {
            beginFrame(target, next);
        }
        return target;
    }

    private Fd begin() throws StorageException {
        long start = total;
        int flags = Open.READ_WRITE | Open.CREATE | Open.EXCLUSIVE;
        Fd opened;
        try (Fd parent = FileTree.directory(directory.toString())) {
            opened = FileTree.open(parent, fileName(start), flags, FILE_MODE, Open.PLAIN);
        } catch (LinuxException e) {
            throw new StorageException(e);
        }
        file = opened;
        size = 0;
        starts.add(start);
        while (oldestIsTooMuch()) {
            long oldest = starts.removeFirst();
            storing(() -> Files.deleteIfExists(path(oldest)) ? 1 : 0);
        }
        return opened;
    }

    private boolean oldestIsTooMuch() {
        return starts.size() > MAX_FILES
                || starts.stream()
                        .skip(1)
                        .findFirst()
                        .filter(next -> total - next >= KEPT_BYTES)
                        .isPresent();
    }

    /** Over an empty frame of another kind, if there is one at the end. */
    private void beginFrame(Fd target, OutputPump.Kind next) throws StorageException {
        boolean over = kind != null && size == frame + HEAD_BYTES;
        if (over) {
            storing(() -> {
                FileIo.writeAt(target, frame, head(next, OPEN_END));
                return 0;
            });
        } else {
            frame = size;
            storing(() -> {
                FileIo.write(target, head(next, OPEN_END), 0, HEAD_BYTES);
                return 0;
            });
            size += HEAD_BYTES;
        }
        kind = next;
    }

    private void endFrame() throws StorageException {
        Fd target = file;
        OutputPump.Kind ending = kind;
        if (target != null && ending != null) {
            storing(() -> {
                FileIo.writeAt(target, frame, head(ending, size - frame - HEAD_BYTES));
                return 0;
            });
            kind = null;
        }
    }

    private static byte[] head(OutputPump.Kind kind, int length) {
        return ByteBuffer.allocate(HEAD_BYTES)
                .put((byte) kind.letter())
                .putInt(length)
                .array();
    }

    /** What is kept, oldest first. */
    List<DataEvent> events() {
        List<DataEvent> events = new ArrayList<>();
        try {
            for (long start : starts) {
                for (Frame each : frames(start)) {
                    addEvents(each, events);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("kept output cannot be read", e);
        }
        return events;
    }

    private static void addEvents(Frame frame, List<DataEvent> events) {
        for (int at = 0; at < frame.bytes().size(); at += OutputPump.MAX_CHUNK_BYTES) {
            int end = Math.min(at + OutputPump.MAX_CHUNK_BYTES, frame.bytes().size());
            events.add(frame.kind().event(frame.bytes().substring(at, end)));
        }
    }

    /** How much of the output is no longer kept. */
    long lostBytes() {
        return starts.isEmpty() ? total : starts.getFirst();
    }

    /** Writes no more; what is kept can still be read. */
    void close() {
        closeFile();
    }

    private void closeFile() {
        if (file != null) {
            file.close();
        }
        file = null;
        kind = null;
        size = 0;
        frame = 0;
    }

    /** Forgets everything, as when the process is forgotten. */
    void delete() throws IOException {
        closeFile();
        while (!starts.isEmpty()) {
            Files.deleteIfExists(path(starts.removeFirst()));
        }
    }

    private void fail(StorageException reason) {
        LOG.warn("the output of a durable process cannot be kept any longer", reason.getCause());
        failed = true;
        try {
            delete();
        } catch (IOException e) {
            LOG.warn("kept output could not be removed", e);
            starts.clear();
        }
    }

    private Path path(long start) {
        return directory.resolve(fileName(start));
    }

    private String fileName(long start) {
        return name + "." + Long.toHexString(start);
    }

    private record Frame(OutputPump.Kind kind, ByteString bytes) {}

    private List<Frame> frames(long start) throws IOException {
        List<Frame> frames = new ArrayList<>();
        ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(path(start)));
        while (all.remaining() >= HEAD_BYTES) {
            OutputPump.Kind of = kind((char) all.get());
            int length = all.getInt();
            if (length > all.remaining()) {
                throw new IOException("kept output " + path(start) + " is damaged");
            }
            frames.add(new Frame(of, ByteString.copyFrom(all, length == OPEN_END ? all.remaining() : length)));
        }
        return frames;
    }

    private OutputPump.Kind kind(char letter) throws IOException {
        for (OutputPump.Kind each : OutputPump.Kind.values()) {
            if (each.letter() == letter) {
                return each;
            }
        }
        throw new IOException("kept output of " + name + " is damaged");
    }

    private static long size(List<Frame> frames) {
        return frames.stream().mapToLong(each -> each.bytes().size()).sum();
    }

    /** The files cannot be written, which is not the process's fault. */
    private static final class StorageException extends Exception {
        private static final long serialVersionUID = 1;

        StorageException(IOException cause) {
            super(cause);
        }
    }

    private interface Step {
        int run() throws IOException;
    }

    private static int storing(Step step) throws StorageException {
        try {
            return step.run();
        } catch (IOException e) {
            throw new StorageException(e);
        }
    }
}

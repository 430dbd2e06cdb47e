package dev.sandlot.envd;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.protocol.process.StartRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Keeps the processes of one sandbox as one small file each, named by the cookie, in a directory that goes with the
 * sandbox. A file holds the deadline in milliseconds (0 for none), whether output is kept, the number, the status and
 * the time of the end (0 for none), and the request; it appears whole or not at all.
 */
public final class FileProcessJournal implements ProcessJournal {
    private static final String UNFINISHED = ".new";
    private final Path directory;
    private final Path outputs;
    private final ReentrantLock lock = new ReentrantLock();
    private boolean deleted; // guarded by lock

    /** @param directory made for its owner alone when it is missing; output is kept in a directory beside it */
    public FileProcessJournal(Path directory) throws IOException {
        this(directory, directory.resolveSibling(directory.getFileName() + ".output"));
    }

    /**
     * @param directory made when it is missing
     * @param outputs for the output of durable processes; made when it is needed
     */
    public FileProcessJournal(Path directory, Path outputs) throws IOException {
        this.directory = OwnerOnly.directory(directory);
        this.outputs = outputs;
    }

    @Override
    public Optional<Path> outputs() {
        return Optional.of(outputs);
    }

    @Override
    public void save(Entry entry) throws IOException {
        byte[] bytes = bytes(entry);
        lock.lock();
        try {
            if (!deleted) {
                Path fresh = directory.resolve(Long.toHexString(entry.cookie()) + UNFINISHED);
                OwnerOnly.write(fresh, bytes);
                Files.move(fresh, file(entry.cookie()), StandardCopyOption.ATOMIC_MOVE);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void remove(long cookie) throws IOException {
        Files.deleteIfExists(file(cookie));
    }

    @Override
    public List<Entry> load() throws IOException {
        List<Entry> entries = new ArrayList<>();
        lock.lock();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                if (file.toString().endsWith(UNFINISHED)) {
                    Files.delete(file);
                } else {
                    entries.add(entry(file));
                }
            }
        } finally {
            lock.unlock();
        }
        return entries;
    }

    /** Forgets everything, and all that comes later; for a sandbox that has ended. */
    public void delete() throws IOException {
        lock.lock();
        try {
            deleted = true;
            delete(outputs);
            delete(directory);
        } finally {
            lock.unlock();
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException gone) {
            return;
        }
        Files.deleteIfExists(directory);
    }

    private Path file(long cookie) {
        return directory.resolve(Long.toHexString(cookie));
    }

    private static byte[] bytes(Entry entry) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        Instant deadline = entry.deadline();
        out.writeFixed64NoTag(deadline == null ? 0 : deadline.toEpochMilli());
        out.writeBoolNoTag(entry.durable());
        Ending ending = entry.ending();
        out.writeFixed32NoTag(ending == null ? 0 : ending.pid());
        out.writeFixed32NoTag(ending == null ? 0 : ending.rawStatus());
        out.writeFixed64NoTag(ending == null ? 0 : ending.at().toEpochMilli());
        entry.request().writeTo(out);
        out.flush();
        return bytes.toByteArray();
    }

    private static Entry entry(Path file) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(Files.readAllBytes(file));
        long deadline = in.readFixed64();
        boolean durable = in.readBool();
        int pid = in.readFixed32();
        int rawStatus = in.readFixed32();
        long at = in.readFixed64();
        Ending ending = at == 0 ? null : new Ending(pid, rawStatus, Instant.ofEpochMilli(at));
        StartRequest request = StartRequest.parseFrom(in);
        long cookie = Long.parseUnsignedLong(file.getFileName().toString(), 16);
        return new Entry(cookie, request, deadline == 0 ? null : Instant.ofEpochMilli(deadline), durable, ending);
    }
}

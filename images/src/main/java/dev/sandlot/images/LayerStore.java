package dev.sandlot.images;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The layers of this machine, each an unpacked tree under the digest of its archive (design.md 4 and 5).
 *
 * <pre>
 * pool/lock                    held while a store is open
 * pool/layers/HEX/tree         the tree, owned by container user IDs, never changed
 * pool/layers/HEX/layer.json   its {@link LayerRecord}
 * pool/staging/UUID            what is being made; emptied when the store is opened
 * </pre>
 *
 * <p>A layer is there entirely or not at all: it is made in {@code staging}, brought to the disk, and renamed. Only
 * the owner may enter {@code layers}, as trees hold set-user-ID programs. Safe for use by many threads; one process
 * at a time.
 */
public final class LayerStore implements AutoCloseable {
    static final String TREE = "tree";

    private static final String RECORD = "layer.json";
    private static final int MAX_POOL_PATH = 1024;
    private static final int PACK_BUFFER_BYTES = 64 * 1024;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Path pool;
    private final Path layers;
    private final Path staging;
    private final UnpackLimits limits;
    private final FileChannel lockFile;

    /** Guards the moment at which names appear in and vanish from {@code layers}. */
    private final ReentrantLock names = new ReentrantLock();

    private LayerStore(Path pool, UnpackLimits limits, FileChannel lockFile) {
        this.pool = pool;
        this.layers = pool.resolve("layers");
        this.staging = pool.resolve("staging");
        this.limits = limits;
        this.lockFile = lockFile;
    }

    /**
     * Opens the store of a pool directory, which is made when missing, and removes what a crash left half done.
     *
     * @throws IOException when another process has it open
     */
    public static LayerStore open(Path pool, UnpackLimits limits) throws IOException {
        Path absolute = pool.toAbsolutePath();
        if (absolute.toString().length() > MAX_POOL_PATH) {
            throw new IOException("the pool's path is longer than " + MAX_POOL_PATH + " characters: " + absolute);
        }
        Files.createDirectories(absolute);
        LayerStore store = new LayerStore(absolute, limits, locked(absolute));
        try {
            store.prepare();
        } catch (IOException e) {
            store.close();
            throw e;
        }
        return store;
    }

    /** Adds a layer from its archive, plain or compressed; one that is there already is left as it is. */
    public LayerRecord add(InputStream archive) throws IOException {
        return unpackAndPublish(archive, null);
    }

    /**
     * Adds a layer from its archive, which must be the expected one; the archive is not read when the layer is there.
     *
     * @throws BadLayerException when it is another one
     */
    public LayerRecord add(InputStream archive, Digest expected) throws IOException {
        Optional<LayerRecord> known = find(expected);
        return known.isPresent() ? known.get() : unpackAndPublish(archive, expected);
    }

    /** A fresh directory on the pool's file system, to make a layer in. */
    public StagedTree stage() throws IOException {
        Path home = staging.resolve(UUID.randomUUID().toString());
        DurableFiles.makePrivateDirectory(home);
        Files.createDirectory(home.resolve(TREE));
        return new StagedTree(home);
    }

    /** Makes a layer of a staged tree that nobody changes any more; its files must have container user IDs. */
    public LayerRecord commit(StagedTree staged) throws IOException {
        return publishNew(staged, measured(staged.path()));
    }

    /**
     * Makes a layer of the files that a sandbox changed, when nothing runs in it any more (template-build.md 7).
     *
     * @param uidBase what the sandbox's user 0 is on this machine
     * @param users how many users it has
     * @return a record with one entry, the root, when nothing was changed; there is no layer then
     */
    public LayerRecord commit(StagedTree staged, int uidBase, int users) throws IOException {
        new OwnerShift(uidBase, users).apply(staged.path());
        LayerRecord measured = measured(staged.path());
        return measured.entries() == 1 ? measured : publishNew(staged, measured);
    }

    /** A file of its own for a download; removed at the next start if the caller does not do so. */
    Path stagedFile() throws IOException {
        return Files.createTempFile(staging, "blob", "");
    }

    /** Whether a layer is there. */
    public boolean has(Digest diffId) {
        return Files.exists(home(diffId).resolve(RECORD));
    }

    /** The pool directory. */
    public Path pool() {
        return pool;
    }

    /** What is known about a layer; empty when it is not there. */
    public Optional<LayerRecord> find(Digest diffId) throws IOException {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(home(diffId).resolve(RECORD)), Row.class)
                    .toRecord());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException("the record of layer " + diffId + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * The tree of a layer, to be mounted and never written.
     *
     * @throws IOException when the layer is not there
     */
    public Path path(Digest diffId) throws IOException {
        if (!has(diffId)) {
            throw new IOException("layer " + diffId + " is not in the pool " + pool);
        }
        return home(diffId).resolve(TREE);
    }

    /** All layers, oldest first. */
    public List<LayerRecord> list() throws IOException {
        List<LayerRecord> found = new ArrayList<>();
        try (Stream<Path> homes = Files.list(layers)) {
            for (Path home : (Iterable<Path>) homes::iterator) {
                find(new Digest(home.getFileName().toString())).ifPresent(found::add);
            }
        }
        found.sort(Comparator.comparing(LayerRecord::created));
        return found;
    }

    /** Removes a layer that nothing uses any more; does nothing when it is not there. */
    public void remove(Digest diffId) throws IOException {
        Path doomed = staging.resolve(UUID.randomUUID().toString());
        names.lock();
        try {
            if (!Files.exists(home(diffId))) {
                return;
            }
            Files.move(home(diffId), doomed, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            names.unlock();
        }
        DurableFiles.deleteTree(doomed);
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }

    private LayerRecord unpackAndPublish(InputStream archive, @Nullable Digest expected) throws IOException {
        try (StagedTree staged = stage()) {
            LayerUnpacker.Unpacked unpacked = new LayerUnpacker(limits).unpack(archive, staged.path());
            if (expected != null && !unpacked.diffId().equals(expected)) {
                throw new BadLayerException("the layer is " + unpacked.diffId() + " and not " + expected);
            }
            return publish(staged, record(unpacked.diffId(), unpacked.bytes(), unpacked.entries()));
        }
    }

    private LayerRecord publishNew(StagedTree staged, LayerRecord record) throws IOException {
        Optional<LayerRecord> known = find(record.diffId());
        return known.isPresent() ? known.get() : publish(staged, record);
    }

    private LayerRecord measured(Path tree) throws IOException {
        CountedOutput counted = new CountedOutput();
        DigestOutputStream digested = new DigestOutputStream(counted, Digest.sha256());
        try (OutputStream out = new BufferedOutputStream(digested, PACK_BUFFER_BYTES)) {
            long entries = new LayerPacker(out).pack(tree);
            Digest diffId = Digest.finished(digested.getMessageDigest().digest());
            return record(diffId, counted.count(), entries);
        }
    }

    private static LayerRecord record(Digest diffId, long bytes, long entries) {
        return new LayerRecord(diffId, bytes, entries, Clock.systemUTC().instant());
    }

    private LayerRecord publish(StagedTree staged, LayerRecord record) throws IOException {
        DurableFiles.write(staged.home().resolve(RECORD), JSON.writeValueAsBytes(Row.of(record)));
        try (Fd home = FileTree.directory(staged.home().toString())) {
            FileTree.syncFileSystem(home);
        }
        names.lock();
        try {
            Optional<LayerRecord> known = find(record.diffId());
            if (known.isPresent()) {
                return known.get();
            }
            Files.move(staged.home(), home(record.diffId()), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            names.unlock();
        }
        DurableFiles.sync(layers);
        return record;
    }

    private Path home(Digest diffId) {
        return layers.resolve(diffId.hex());
    }

    private void prepare() throws IOException {
        DurableFiles.makePrivateDirectory(layers);
        DurableFiles.makePrivateDirectory(staging);
        try (Stream<Path> leftovers = Files.list(staging)) {
            for (Path leftover : (Iterable<Path>) leftovers::iterator) {
                DurableFiles.deleteTree(leftover);
            }
        }
    }

    private static FileChannel locked(Path pool) throws IOException {
        FileChannel channel =
                FileChannel.open(pool.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            channel.close();
            throw new IOException("the pool " + pool + " is already open in this process", e);
        }
        channel.close();
        throw new IOException("the pool " + pool + " is in use by another process");
    }

    /** The form of {@code layer.json}. */
    private record Row(String diffId, long bytes, long entries, String created) {
        static Row of(LayerRecord r) {
            return new Row(
                    r.diffId().toString(), r.bytes(), r.entries(), r.created().toString());
        }

        LayerRecord toRecord() {
            return new LayerRecord(Digest.parse(diffId), bytes, entries, Instant.parse(created));
        }
    }
}

package dev.sandlot.images;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Mounts;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.TreeRemoval;
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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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
    private static final Logger LOG = LoggerFactory.getLogger(LayerStore.class);

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

    /** Guards the moment at which names appear in and vanish from {@code layers}, and {@link #used}. */
    private final ReentrantLock names = new ReentrantLock();

    /** When somebody last found a layer here, or made it, in this process; {@link #collect} spares them for a while. */
    private final Map<Digest, Instant> used = new HashMap<>();

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
        OwnerOnly.directory(absolute);
        LayerStore store = new LayerStore(absolute, limits, locked(absolute));
        try {
            store.prepare();
        } catch (IOException e) {
            store.close();
            throw e;
        }
        return store;
    }

    /** Takes out what is mounted below trees of a pool that nobody has open, and which nobody makes any more. */
    public static void detachLeftovers(Path pool) throws IOException {
        Path staging = pool.resolve("staging");
        if (Files.isDirectory(staging)) {
            Mounts.detachBelow(staging);
        }
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
        Optional<LayerRecord> known = has(expected) ? find(expected) : Optional.empty();
        return known.isPresent() ? known.get() : unpackAndPublish(archive, expected);
    }

    /** A fresh directory on the pool's file system, to make a layer in. */
    public StagedTree stage() throws IOException {
        StagedTree staged = new StagedTree(staging.resolve(UUID.randomUUID().toString()));
        try {
            OwnerOnly.directory(staged.home());
            Files.createDirectory(staged.path());
            return staged;
        } catch (IOException e) {
            staged.close();
            throw e;
        }
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

    /**
     * Makes one layer that stands for several, wherever they lie above others.
     *
     * @param several lowest first
     */
    public LayerRecord merge(List<Digest> several) throws IOException {
        Path archive = stagedFile();
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(archive), PACK_BUFFER_BYTES)) {
                RootArchive.writeLayer(this, several, out);
            }
            try (InputStream in = Files.newInputStream(archive)) {
                return add(in);
            }
        } finally {
            Files.deleteIfExists(archive);
        }
    }

    /** A file of its own for a download; removed at the next start if the caller does not do so. */
    Path stagedFile() throws IOException {
        return Files.createTempFile(staging, "blob", "");
    }

    /** Whether a layer is there; one that is stays for a while, whatever is collected. */
    public boolean has(Digest diffId) {
        names.lock();
        try {
            boolean there = Files.exists(home(diffId).resolve(RECORD));
            if (there) {
                used.put(diffId, Clock.systemUTC().instant());
            }
            return there;
        } finally {
            names.unlock();
        }
    }

    /**
     * Removes layers that nothing refers to. Spared are those that are named, and those that were made or found here
     * a short while ago, so that what is being built or pulled at the moment does not lose its ground.
     *
     * @param live every layer that a template, build, snapshot or running sandbox refers to
     * @param grace how long a layer is spared after it was made, or found by {@link #has}, {@link #path} or
     *     {@link #add}
     * @return what was removed
     */
    public List<LayerRecord> collect(Set<Digest> live, Duration grace) throws IOException {
        Instant before = Clock.systemUTC().instant().minus(grace);
        List<LayerRecord> removed = new ArrayList<>();
        for (LayerRecord layer : list()) {
            if (!live.contains(layer.diffId()) && layer.created().isBefore(before)) {
                Optional<Path> doomed = takenOut(layer.diffId(), before);
                if (doomed.isPresent()) {
                    throwAway(doomed.get());
                    removed.add(layer);
                }
            }
        }
        return removed;
    }

    private Optional<Path> takenOut(Digest diffId, Instant before) throws IOException {
        names.lock();
        try {
            if (used.getOrDefault(diffId, Instant.MIN).isAfter(before)) {
                return Optional.empty();
            }
            return takenOut(diffId);
        } finally {
            names.unlock();
        }
    }

    private Optional<Path> takenOut(Digest diffId) throws IOException {
        Path doomed = staging.resolve(UUID.randomUUID().toString());
        names.lock();
        try {
            used.remove(diffId);
            if (!Files.exists(home(diffId))) {
                return Optional.empty();
            }
            Files.move(home(diffId), doomed, StandardCopyOption.ATOMIC_MOVE);
            return Optional.of(doomed);
        } finally {
            names.unlock();
        }
    }

    /** The pool directory. */
    public Path pool() {
        return pool;
    }

    /** What the files of layers take up, in bytes; one that is not there counts nothing. */
    public long bytes(List<Digest> layers) throws IOException {
        long bytes = 0;
        for (Digest layer : layers) {
            bytes += find(layer).map(LayerRecord::bytes).orElse(0L);
        }
        return bytes;
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
        Optional<Path> doomed = takenOut(diffId);
        if (doomed.isPresent()) {
            throwAway(doomed.get());
        }
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
        OwnerOnly.write(staged.home().resolve(RECORD), JSON.writeValueAsBytes(Row.of(record)));
        try (Fd home = FileTree.directory(staged.home().toString())) {
            FileTree.syncFileSystem(home);
        }
        names.lock();
        try {
            used.put(record.diffId(), Clock.systemUTC().instant());
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
        OwnerOnly.directory(layers);
        OwnerOnly.directory(staging);
        detachLeftovers(pool);
        try (Stream<Path> leftovers = Files.list(staging)) {
            for (Path leftover : (Iterable<Path>) leftovers::iterator) {
                throwAway(leftover);
            }
        }
    }

    /** Removes what lies in {@code staging}. What cannot be removed is no reason to fail: the next start tries again. */
    static void throwAway(Path staged) {
        try {
            TreeRemoval.remove(staged);
        } catch (IOException e) {
            LOG.warn("{} is thrown away and could not be removed; it is tried again at the next start", staged, e);
        }
    }

    private static FileChannel locked(Path pool) throws IOException {
        FileChannel channel = FileChannel.open(OwnerOnly.file(pool.resolve("lock")), StandardOpenOption.WRITE);
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

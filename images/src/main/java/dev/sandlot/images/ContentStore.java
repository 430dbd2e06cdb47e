package dev.sandlot.images;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images as they were pushed: blobs and manifests under their digests, and the repositories that have them.
 *
 * <pre>
 * pool/registry/content/HEX       bytes whose SHA-256 is HEX
 * pool/registry/damaged/HEX       bytes that no longer were
 * pool/registry/repositories/…    see {@link Repository}
 * pool/registry/uploads/UUID/…    see {@link BlobUpload}
 * pool/registry/staging/…         what is being made; emptied when the store is opened
 * </pre>
 *
 * <p>Invariants: content appears by a rename after its bytes are on the disk and its digest was checked; a repository
 * names content only after it is there; a manifest is added only when all it needs is in its repository; a tag only
 * when its manifest is. So whatever a crash cuts off, what is named is whole, and what is not named goes with
 * {@link #collect}. Lies in the pool of a {@link LayerStore}, whose lock keeps other processes out. Safe for many
 * threads.
 */
public final class ContentStore {
    private static final Logger LOG = LoggerFactory.getLogger(ContentStore.class);

    private final Path repositories;
    private final ContentFiles files;
    private final BlobUploads uploads;
    private final RegistryLimits limits;
    private final InstantSource clock;

    /** Guards the moments at which repositories begin and cease to name content, and content is removed. */
    private final ReentrantLock names = new ReentrantLock();

    private ContentStore(Path home, RegistryLimits limits, InstantSource clock) throws IOException {
        OwnerOnly.directory(home);
        this.repositories = home.resolve("repositories");
        this.limits = limits;
        this.clock = clock;
        OwnerOnly.directory(repositories);
        this.files = ContentFiles.open(home);
        this.uploads = BlobUploads.open(home.resolve("uploads"), limits);
    }

    /** Opens the store in the pool of the layers, and drops what a crash left half done. */
    public static ContentStore open(LayerStore layers, RegistryLimits limits) throws IOException {
        return open(layers.pool(), limits, InstantSource.system());
    }

    static ContentStore open(Path pool, RegistryLimits limits, InstantSource clock) throws IOException {
        return new ContentStore(pool.resolve("registry"), limits, clock);
    }

    RegistryLimits limits() {
        return limits;
    }

    BlobUploads uploads() {
        return uploads;
    }

    Repository repository(RepositoryName name) {
        return Repository.of(files, repositories, name);
    }

    /** The size of a blob of the repository. */
    Optional<Long> blobSize(RepositoryName name, Digest digest) throws IOException {
        Repository repository = repository(name);
        if (!repository.useBlob(digest)) {
            return Optional.empty();
        }
        long size = files.size(digest);
        return size < 0 ? Optional.empty() : Optional.of(size);
    }

    /** A blob of the repository, open for reading. */
    Optional<FileChannel> openBlob(RepositoryName name, Digest digest) throws IOException {
        return repository(name).hasBlob(digest) ? files.open(digest) : Optional.empty();
    }

    /** Takes content away whose bytes are not what the digest says. */
    void setAside(Digest digest) throws IOException {
        LOG.error("content {} of the registry is damaged on the disk", digest);
        files.setAside(digest);
    }

    /** Makes a blob of an upload; the upload is over then. */
    void finish(BlobUpload upload, Digest expected) throws IOException, RegistryException {
        Path blob = upload.sealed(expected);
        names.lock();
        try {
            files.take(blob, expected);
            name(upload.repository(), expected);
        } finally {
            names.unlock();
        }
        upload.drop();
    }

    /** Takes a file of the pool as a blob, whose digest was checked. */
    void keep(RepositoryName name, Path file, Digest digest) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        names.lock();
        try {
            files.take(file, digest);
            name(name, digest);
        } finally {
            names.unlock();
        }
    }

    /** Gives a repository a blob that another one has; says whether that one has it. */
    boolean mount(RepositoryName from, RepositoryName to, Digest digest) throws IOException {
        names.lock();
        try {
            boolean there = repository(from).hasBlob(digest) && files.size(digest) >= 0;
            if (there) {
                name(to, digest);
            }
            return there;
        } finally {
            names.unlock();
        }
    }

    private void name(RepositoryName name, Digest digest) throws IOException {
        ContentFiles.touch(files.path(digest));
        Repository repository = repository(name);
        repository.make(name);
        repository.addBlob(digest);
    }

    /** Takes a blob out of a repository; says whether it was in it. */
    boolean removeBlob(RepositoryName name, Digest digest) throws IOException {
        names.lock();
        try {
            return repository(name).removeBlob(digest);
        } finally {
            names.unlock();
        }
    }

    /** A manifest with its bytes. */
    record Manifest(Digest digest, ManifestRecord record, Content content) {}

    /** Bytes that nobody changes. */
    static final class Content {
        private final byte[] bytes;

        Content(byte[] bytes) {
            this.bytes = bytes;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    /** The manifest that a tag or digest means. */
    Optional<Manifest> manifest(RepositoryName name, String reference) throws IOException {
        Repository repository = repository(name);
        Optional<Digest> byDigest = RegistryPath.findDigest(reference);
        Optional<Tag> tag = Tag.parse(reference);
        Optional<Digest> digest = byDigest.isPresent() || tag.isEmpty() ? byDigest : repository.tag(tag.get());
        if (digest.isEmpty()) {
            return Optional.empty();
        }
        Optional<ManifestRecord> record = repository.manifest(digest.get());
        Optional<byte[]> bytes = record.isEmpty() ? Optional.empty() : files.read(digest.get());
        return bytes.map(found -> new Manifest(digest.get(), record.orElseThrow(), new Content(found)));
    }

    /**
     * Adds a manifest.
     *
     * @param tag what it is to be called, or null for its digest alone
     * @return its digest
     * @throws RegistryException when something that it needs is not in the repository, or has another size, or the disk
     *     is too full
     */
    Digest putManifest(RepositoryName name, byte[] bytes, ManifestDocument document, @Nullable Tag tag)
            throws IOException, RegistryException {
        limits.requireSpace(repositories);
        names.lock();
        try {
            Repository repository = repository(name);
            for (ManifestDocument.Descriptor blob : document.blobs()) {
                requireBlob(repository, blob);
            }
            for (ManifestDocument.Descriptor listed : document.manifests()) {
                requireManifest(repository, listed);
            }
            repository.make(name);
            Digest digest = files.put(bytes);
            repository.addManifest(digest, document.record());
            if (tag != null) {
                repository.putTag(tag, digest);
            }
            return digest;
        } finally {
            names.unlock();
        }
    }

    private void requireBlob(Repository repository, ManifestDocument.Descriptor blob)
            throws IOException, RegistryException {
        boolean there = repository.useBlob(blob.digest());
        long size = there ? files.size(blob.digest()) : -1;
        if (size >= 0 && size != blob.size()) {
            throw new RegistryException(
                    RegistryError.MANIFEST_INVALID,
                    "blob " + blob.digest() + " has " + size + " bytes, and the manifest says " + blob.size());
        }
        if (size < 0 && blob.required()) {
            throw new RegistryException(
                    RegistryError.MANIFEST_BLOB_UNKNOWN, "blob " + blob.digest() + " is not in the repository");
        }
    }

    private static void requireManifest(Repository repository, ManifestDocument.Descriptor listed)
            throws IOException, RegistryException {
        Optional<ManifestRecord> known = repository.manifest(listed.digest());
        if (known.isEmpty()) {
            throw new RegistryException(
                    RegistryError.MANIFEST_BLOB_UNKNOWN, "manifest " + listed.digest() + " is not in the repository");
        }
        if (known.get().size() != listed.size()) {
            throw new RegistryException(
                    RegistryError.MANIFEST_INVALID, "manifest " + listed.digest() + " has another size than listed");
        }
    }

    /** Removes a manifest with its tags; says whether it was there. */
    boolean removeManifest(RepositoryName name, Digest digest) throws IOException {
        names.lock();
        try {
            return repository(name).removeManifest(digest);
        } finally {
            names.unlock();
        }
    }

    /** Removes a tag alone; says whether it was there. */
    boolean removeTag(RepositoryName name, Tag tag) throws IOException {
        names.lock();
        try {
            return repository(name).removeTag(tag);
        } finally {
            names.unlock();
        }
    }

    /**
     * Drops what a tag means: the tag, its manifest, and the manifests that this one alone lists, unless another tag
     * or index names them. Their blobs go with the next {@link #collect}. Does nothing when there is no such tag.
     */
    public void drop(RepositoryName name, Tag tag) throws IOException {
        names.lock();
        try {
            Repository repository = repository(name);
            Optional<Digest> digest = repository.tag(tag);
            if (digest.isPresent()) {
                repository.removeTag(tag);
                dropUnnamed(repository, digest.get());
            }
        } finally {
            names.unlock();
        }
    }

    /** Drops what a tag means in every repository that lies under a name. */
    void dropBelow(String namespace, Tag tag) throws IOException {
        for (Repository repository : Repository.all(files, repositories)) {
            Optional<RepositoryName> name = repository.name().filter(found -> found.isUnder(namespace));
            if (name.isPresent() && repository.tag(tag).isPresent()) {
                drop(name.get(), tag);
            }
        }
    }

    /**
     * Drops every manifest of a repository but those, the blobs that only dropped ones need, and content that no other
     * repository has, at once: nobody may be putting anything there meanwhile.
     */
    void retain(RepositoryName name, Set<Digest> manifests) throws IOException {
        names.lock();
        try {
            Repository repository = repository(name);
            Set<Digest> before = new HashSet<>(repository.manifests());
            before.addAll(repository.blobs());
            for (Digest manifest : repository.manifests()) {
                if (!manifests.contains(manifest)) {
                    repository.removeManifest(manifest);
                }
            }
            Set<Digest> kept = repository.neededBlobs();
            for (Digest blob : repository.blobs()) {
                if (!kept.contains(blob)) {
                    repository.removeBlob(blob);
                }
            }
            before.removeAll(named());
            for (Digest unnamed : before) {
                Files.deleteIfExists(files.path(unnamed));
            }
        } finally {
            names.unlock();
        }
    }

    private Set<Digest> named() throws IOException {
        Set<Digest> named = new HashSet<>();
        for (Repository repository : Repository.all(files, repositories)) {
            named.addAll(repository.blobs());
            named.addAll(repository.manifests());
        }
        return named;
    }

    private static void dropUnnamed(Repository repository, Digest digest) throws IOException {
        Optional<ManifestRecord> record = repository.manifest(digest);
        if (record.isEmpty() || repository.isNamed(digest)) {
            return;
        }
        repository.removeManifest(digest);
        for (String listed : record.get().manifests()) {
            dropUnnamed(repository, Digest.parse(listed));
        }
    }

    /**
     * What {@link #collect} removed.
     *
     * @param uploads uploads that rested too long
     * @param contents blobs and manifests that nothing named any more
     * @param bytes their size
     */
    public record Collected(int uploads, int contents, long bytes) {}

    /**
     * Drops uploads that rest too long, blobs that no manifest of their repository needs, repositories with nothing
     * in them, and content that no repository names; what a push used within the grace stays.
     */
    public Collected collect() throws IOException {
        Instant now = clock.instant();
        Instant then = now.minus(limits.blobGrace());
        int expired = uploads.expire(now);
        Set<Digest> named = new HashSet<>();
        for (Repository repository : Repository.all(files, repositories)) {
            tidy(repository, then);
            named.addAll(repository.blobs());
            named.addAll(repository.manifests());
        }
        Collected collected = new Collected(expired, 0, 0);
        for (Path file : files.all()) {
            collected = removeUnnamed(file, named, then, collected);
        }
        for (Path file : files.allDamaged()) {
            if (ContentFiles.restsSince(file, then)) {
                Files.delete(file);
            }
        }
        return collected;
    }

    private void tidy(Repository repository, Instant then) throws IOException {
        Set<Digest> needed = repository.neededBlobs();
        List<Digest> unneeded = repository.blobs().stream()
                .filter(digest -> !needed.contains(digest))
                .toList();
        names.lock();
        try {
            for (Digest digest : unneeded) {
                if (repository.blobRestsSince(digest, then)) {
                    repository.removeBlob(digest);
                }
            }
            repository.removeIfEmpty(then);
        } finally {
            names.unlock();
        }
    }

    private Collected removeUnnamed(Path file, Set<Digest> named, Instant then, Collected sum) throws IOException {
        Digest digest = new Digest(file.getFileName().toString());
        names.lock();
        try {
            if (named.contains(digest) || !ContentFiles.restsSince(file, then)) {
                return sum;
            }
            long size = Files.size(file);
            Files.delete(file);
            return new Collected(sum.uploads(), sum.contents() + 1, sum.bytes() + size);
        } finally {
            names.unlock();
        }
    }
}

package dev.sandlot.images;

import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The uploads under way, each a directory of its own below {@code uploads}. */
final class BlobUploads {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Path home;
    private final RegistryLimits limits;
    private final Map<UUID, BlobUpload> known = new ConcurrentHashMap<>();

    private BlobUploads(Path home, RegistryLimits limits) {
        this.home = home;
        this.limits = limits;
    }

    /** Finds the uploads of the last run; those that were only begun to be made are dropped. */
    static BlobUploads open(Path home, RegistryLimits limits) throws IOException {
        OwnerOnly.directory(home);
        BlobUploads uploads = new BlobUploads(home, limits);
        for (Path directory : ContentFiles.list(home)) {
            Optional<BlobUpload> found = uploads.read(directory);
            if (found.isPresent()) {
                uploads.known.put(found.get().id(), found.get());
            } else {
                TreeRemoval.remove(directory);
            }
        }
        return uploads;
    }

    private Optional<BlobUpload> read(Path directory) throws IOException {
        if (!Files.isRegularFile(directory.resolve(BlobUpload.DATA))) {
            return Optional.empty();
        }
        try {
            UUID id = UUID.fromString(directory.getFileName().toString());
            String name = Files.readString(directory.resolve(BlobUpload.REPOSITORY));
            return RepositoryName.parse(name).map(repository -> new BlobUpload(id, repository, directory, limits));
        } catch (IllegalArgumentException | NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Begins an upload; the caller uses it until it closes it. */
    BlobUpload begin(RepositoryName repository) throws IOException, RegistryException {
        if (known.size() >= limits.openUploads()) {
            throw new RegistryException(RegistryError.TOOMANYREQUESTS, "too many uploads are under way");
        }
        limits.requireSpace(home);
        UUID id = UUID.randomUUID();
        Path directory = home.resolve(id.toString());
        OwnerOnly.directory(directory);
        Files.writeString(directory.resolve(BlobUpload.REPOSITORY), repository.text(), StandardCharsets.UTF_8);
        Files.createFile(directory.resolve(BlobUpload.DATA));
        BlobUpload upload = new BlobUpload(id, repository, directory, limits);
        upload.busy().lock();
        known.put(id, upload);
        return upload;
    }

    /**
     * Takes an upload that nobody else uses; the caller uses it until it closes it.
     *
     * @throws RegistryException when there is none of that ID in the repository, or another request holds it
     */
    BlobUpload take(RepositoryName repository, String id) throws RegistryException {
        BlobUpload upload =
                find(id).filter(found -> found.repository().equals(repository)).orElseThrow(BlobUploads::unknown);
        try {
            if (!upload.busy().tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new RegistryException(
                        RegistryError.BLOB_UPLOAD_INVALID, "another request is sending to this upload");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unknown();
        }
        if (upload.isOver()) {
            upload.close();
            throw unknown();
        }
        return upload;
    }

    private Optional<BlobUpload> find(String id) {
        try {
            return Optional.ofNullable(known.get(UUID.fromString(id)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Closes an upload and forgets it if it is over. */
    void release(BlobUpload upload) {
        boolean over = upload.isOver();
        upload.close();
        if (over) {
            known.remove(upload.id());
        }
    }

    /** Drops those that rest too long; returns how many. */
    int expire(Instant now) throws IOException {
        int dropped = 0;
        for (BlobUpload upload : known.values()) {
            if (upload.busy().tryLock()) {
                try {
                    if (!upload.isOver() && upload.restsSince(now.minus(limits.uploadLife()))) {
                        upload.drop();
                        dropped++;
                    }
                } finally {
                    release(upload);
                }
            }
        }
        return dropped;
    }

    private static RegistryException unknown() {
        return new RegistryException(RegistryError.BLOB_UPLOAD_UNKNOWN, "there is no such upload");
    }
}

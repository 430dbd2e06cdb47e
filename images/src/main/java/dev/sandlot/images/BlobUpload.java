package dev.sandlot.images;

import dev.sandlot.linux.TreeRemoval;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A blob on its way in. What has come is in its file, so an upload outlives a broken connection and a restart, and
 * goes on where the file ends. {@code busy} is held by the one request that uses it and guards every field; the
 * digest runs along with the writing and is taken from the file anew when the two may differ.
 */
final class BlobUpload implements AutoCloseable {
    static final String DATA = "data";
    static final String REPOSITORY = "repository";
    private static final int BUFFER_BYTES = 256 * 1024;
    private static final long LOOK_AFTER_BYTES = 64 << 20;

    private final UUID id;
    private final RepositoryName repository;
    private final Path home;
    private final Path data;
    private final RegistryLimits limits;
    private final ReentrantLock busy = new ReentrantLock();
    private @Nullable MessageDigest running;
    private boolean over;

    BlobUpload(UUID id, RepositoryName repository, Path home, RegistryLimits limits) {
        this.id = id;
        this.repository = repository;
        this.home = home;
        this.data = home.resolve(DATA);
        this.limits = limits;
    }

    UUID id() {
        return id;
    }

    RepositoryName repository() {
        return repository;
    }

    ReentrantLock busy() {
        return busy;
    }

    /** Whether it has ended, as a blob or without. */
    boolean isOver() {
        return over;
    }

    /** How many bytes have come. */
    long size() throws IOException {
        return Files.size(data);
    }

    boolean restsSince(Instant then) throws IOException {
        return ContentFiles.restsSince(data, then);
    }

    /**
     * Adds all that a body has. What came before a body broke off is kept.
     *
     * @throws RegistryException when the blob becomes too large, and the upload is over then; or when the disk becomes
     *     too full, and the upload can go on later
     */
    void append(InputStream body) throws IOException, RegistryException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long size = size();
        long unseen = LOOK_AFTER_BYTES;
        try (OutputStream out = Files.newOutputStream(data, StandardOpenOption.APPEND)) {
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                size += n;
                unseen += n;
                requireFit(size);
                if (unseen > LOOK_AFTER_BYTES) {
                    limits.requireSpace(home);
                    unseen = 0;
                }
                write(out, buffer, n);
            }
        }
    }

    private void requireFit(long size) throws IOException, RegistryException {
        if (size > limits.blobBytes()) {
            drop();
            throw new RegistryException(
                    RegistryError.TOO_LARGE,
                    "the blob is larger than the " + limits.blobBytes() + " bytes that are taken");
        }
    }

    /**
     * Adds one chunk of known length, exactly.
     *
     * @throws RegistryException when the body is longer or shorter; nothing was added then
     */
    void append(InputStream body, long length) throws IOException, RegistryException {
        long before = size();
        try {
            append(new Exactly(body, length));
        } catch (EOFException e) {
            truncate(before);
            throw new RegistryException(
                    RegistryError.SIZE_INVALID, "the chunk has not the length that its Content-Range says");
        }
    }

    private void write(OutputStream out, byte[] buffer, int count) throws IOException {
        MessageDigest digest = digest();
        running = null;
        out.write(buffer, 0, count);
        digest.update(buffer, 0, count);
        running = digest;
    }

    private MessageDigest digest() throws IOException {
        MessageDigest known = running;
        if (known != null) {
            return known;
        }
        MessageDigest fresh = Digest.sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(data)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                fresh.update(buffer, 0, n);
            }
        }
        return fresh;
    }

    private void truncate(long size) throws IOException {
        running = null;
        try (FileChannel channel = FileChannel.open(data, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }

    /**
     * Brings the whole blob to the disk and checks it.
     *
     * @return its file
     * @throws RegistryException when the blob is another one; the upload is over then
     */
    Path sealed(Digest expected) throws IOException, RegistryException {
        Digest found = Digest.finished(digest().digest());
        running = null;
        if (!found.equals(expected)) {
            drop();
            throw new RegistryException(RegistryError.DIGEST_INVALID, "the blob is " + found + " and not " + expected);
        }
        try (FileChannel channel = FileChannel.open(data, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        return data;
    }

    /** Ends the upload and forgets what has come. */
    void drop() throws IOException {
        over = true;
        running = null;
        if (Files.exists(home)) {
            TreeRemoval.remove(home);
        }
    }

    /** Lets the next request use it. */
    @Override
    public void close() {
        busy.unlock();
    }

    /** A body that must end after so many bytes: {@link EOFException} when it ends before or goes on after. */
    private static final class Exactly extends InputStream {
        private final InputStream in;
        private long left;

        Exactly(InputStream in, long length) {
            this.in = in;
            this.left = length;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int count) throws IOException {
            if (left == 0) {
                if (in.read() >= 0) {
                    throw new EOFException("longer than declared");
                }
                return -1;
            }
            int n = in.read(into, offset, (int) Math.min(count, left));
            if (n < 0) {
                throw new EOFException("shorter than declared");
            }
            left -= n;
            return n;
        }
    }
}

package dev.sandlot.images;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;

/**
 * Blobs on their way out. A whole blob is checked while it is sent, and its last piece is held back until the digest
 * is known to be right; a range is sent after the whole was checked. A damaged blob is never sent to its end.
 */
final class BlobRequests {
    private static final int BUFFER_BYTES = 256 * 1024;

    private final ContentStore store;

    BlobRequests(ContentStore store) {
        this.store = store;
    }

    void serve(Exchange exchange, RegistryPath.Blob path) throws IOException, RegistryException {
        RegistryEndpoint.requireMethod(exchange, List.of("GET", "HEAD", "DELETE"));
        switch (exchange.method()) {
            case "DELETE" -> delete(exchange, path);
            case "HEAD" -> head(exchange, path);
            default -> get(exchange, path);
        }
    }

    private void delete(Exchange exchange, RegistryPath.Blob path) throws IOException, RegistryException {
        if (!store.removeBlob(path.repository(), path.digest())) {
            throw unknown();
        }
        exchange.send(202, new byte[0]);
    }

    private void head(Exchange exchange, RegistryPath.Blob path) throws IOException, RegistryException {
        long size = store.blobSize(path.repository(), path.digest()).orElseThrow(BlobRequests::unknown);
        describe(exchange, path.digest());
        exchange.start(200, size).close();
    }

    private void get(Exchange exchange, RegistryPath.Blob path) throws IOException, RegistryException {
        try (FileChannel file = store.openBlob(path.repository(), path.digest()).orElseThrow(BlobRequests::unknown)) {
            long size = file.size();
            describe(exchange, path.digest());
            Optional<ByteRange> range =
                    ByteRange.parse(exchange.requestHeaders().first("Range").orElse(""), size);
            if (range.isPresent()) {
                part(exchange, path.digest(), file, range.get());
            } else {
                whole(exchange, path.digest(), file);
            }
        }
    }

    private static void describe(Exchange exchange, Digest digest) {
        exchange.responseHeaders()
                .set("Content-Type", "application/octet-stream")
                .set("Docker-Content-Digest", digest.toString())
                .set("Accept-Ranges", "bytes")
                .set("Etag", '"' + digest.toString() + '"');
    }

    private void whole(Exchange exchange, Digest name, FileChannel file) throws IOException {
        InputStream in = Channels.newInputStream(file);
        MessageDigest digest = Digest.sha256();
        byte[] held = new byte[BUFFER_BYTES];
        byte[] next = new byte[BUFFER_BYTES];
        int count = in.readNBytes(held, 0, held.length);
        digest.update(held, 0, count);
        if (count < held.length) {
            refuseOther(name, digest);
        }
        try (OutputStream out = exchange.start(200, file.size())) {
            int more = in.readNBytes(next, 0, next.length);
            while (more > 0) {
                out.write(held, 0, count);
                digest.update(next, 0, more);
                byte[] free = held;
                held = next;
                next = free;
                count = more;
                more = in.readNBytes(next, 0, next.length);
            }
            if (file.size() >= held.length) {
                refuseOther(name, digest);
            }
            out.write(held, 0, count);
        }
    }

    private void part(Exchange exchange, Digest name, FileChannel file, ByteRange range)
            throws IOException, RegistryException {
        if (!range.isSatisfiable()) {
            exchange.responseHeaders().set("Content-Range", "bytes */" + range.size());
            throw new RegistryException(RegistryError.RANGE_INVALID, "the blob has not that range");
        }
        InputStream in = Channels.newInputStream(file);
        MessageDigest digest = Digest.sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            digest.update(buffer, 0, n);
        }
        refuseOther(name, digest);
        file.position(range.first());
        exchange.responseHeaders().set("Content-Range", range.text());
        try (OutputStream out = exchange.start(206, range.length())) {
            long left = range.length();
            while (left > 0) {
                int n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
                if (n == 0) {
                    throw new IOException("blob " + name + " became shorter while it was sent");
                }
                out.write(buffer, 0, n);
                left -= n;
            }
        }
    }

    private void refuseOther(Digest expected, MessageDigest found) throws IOException {
        if (!Digest.finished(found.digest()).equals(expected)) {
            store.setAside(expected);
            throw new DamagedContentException(expected);
        }
    }

    private static RegistryException unknown() {
        return new RegistryException(RegistryError.BLOB_UNKNOWN, "there is no such blob in the repository");
    }
}

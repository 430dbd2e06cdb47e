package dev.sandlot.images;

import dev.sandlot.images.RegistryGuard.Act;
import dev.sandlot.images.RegistryGuard.Grant;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Blobs on their way in: at once, in a stream, in chunks, or from another repository ("Pushing blobs"). */
final class UploadRequests {
    private static final Pattern CHUNK = Pattern.compile("(?:bytes[ =])?(\\d{1,18})-(\\d{1,18})(?:/(?:\\d+|\\*))?");

    private final ContentStore store;

    UploadRequests(ContentStore store) {
        this.store = store;
    }

    void begin(Exchange exchange, RegistryPath.Uploads path, Grant grant) throws IOException, RegistryException {
        RegistryEndpoint.requireMethod(exchange, List.of("POST"));
        RegistryQuery query = RegistryQuery.parse(exchange.rawQuery());
        Optional<String> mount = query.first("mount");
        if (mount.isPresent() && mounted(exchange, path.repository(), query, grant)) {
            return;
        }
        Optional<String> whole = mount.isPresent() ? Optional.empty() : query.first("digest");
        Optional<Digest> digest = whole.isPresent() ? Optional.of(RegistryPath.digest(whole.get())) : Optional.empty();
        BlobUpload upload = store.uploads().begin(path.repository());
        try {
            if (digest.isPresent()) {
                whole(exchange, upload, digest.get());
            } else {
                accepted(exchange, 202, upload);
            }
        } finally {
            store.uploads().release(upload);
        }
    }

    private boolean mounted(Exchange exchange, RepositoryName into, RegistryQuery query, Grant grant)
            throws IOException, RegistryException {
        Digest digest = RegistryPath.digest(query.first("mount").orElse(""));
        Optional<RepositoryName> from = query.first("from").flatMap(RepositoryName::parse);
        boolean there = from.isPresent() && grant.allows(from.get(), Act.PULL) && store.mount(from.get(), into, digest);
        if (there) {
            created(exchange, into, digest);
        }
        return there;
    }

    /** A blob in the one request that began the upload: it comes whole or leaves nothing. */
    private void whole(Exchange exchange, BlobUpload upload, Digest digest) throws IOException, RegistryException {
        try {
            upload.append(exchange.requestBody());
            store.finish(upload, digest);
        } finally {
            if (!upload.isOver()) {
                upload.drop();
            }
        }
        created(exchange, upload.repository(), digest);
    }

    void serve(Exchange exchange, RegistryPath.Upload path) throws IOException, RegistryException {
        RegistryEndpoint.requireMethod(exchange, List.of("GET", "HEAD", "PATCH", "PUT", "DELETE"));
        BlobUpload upload = store.uploads().take(path.repository(), path.id());
        try {
            switch (exchange.method()) {
                case "PATCH" -> {
                    append(exchange, upload);
                    accepted(exchange, 202, upload);
                }
                case "PUT" -> finish(exchange, upload);
                case "DELETE" -> {
                    upload.drop();
                    exchange.send(204, new byte[0]);
                }
                default -> accepted(exchange, 204, upload);
            }
        } finally {
            store.uploads().release(upload);
        }
    }

    private void append(Exchange exchange, BlobUpload upload) throws IOException, RegistryException {
        Optional<String> range = exchange.requestHeaders().first("Content-Range");
        if (range.isEmpty() || exchange.requestLength() == 0) {
            upload.append(exchange.requestBody());
            return;
        }
        Matcher m = CHUNK.matcher(range.get().strip());
        if (!m.matches()) {
            throw new RegistryException(RegistryError.BLOB_UPLOAD_INVALID, "Content-Range must be <first>-<last>");
        }
        long first = Long.parseLong(m.group(1));
        long last = Long.parseLong(m.group(2));
        if (first != upload.size() || last < first) {
            place(exchange, upload);
            throw new RegistryException(
                    RegistryError.RANGE_INVALID, "the next chunk must begin at " + upload.size() + ", not at " + first);
        }
        upload.append(exchange.requestBody(), last - first + 1);
    }

    private void finish(Exchange exchange, BlobUpload upload) throws IOException, RegistryException {
        Digest digest = RegistryPath.digest(
                RegistryQuery.parse(exchange.rawQuery()).first("digest").orElse(""));
        append(exchange, upload);
        store.finish(upload, digest);
        created(exchange, upload.repository(), digest);
    }

    private static void created(Exchange exchange, RepositoryName repository, Digest digest) throws IOException {
        exchange.responseHeaders()
                .set("Location", "/v2/" + repository + "/blobs/" + digest)
                .set("Docker-Content-Digest", digest.toString());
        exchange.send(201, new byte[0]);
    }

    private static void accepted(Exchange exchange, int status, BlobUpload upload) throws IOException {
        place(exchange, upload);
        exchange.send(status, new byte[0]);
    }

    /** Where the upload is and how far it has come; the protocol's range of nothing is {@code 0-0}. */
    private static void place(Exchange exchange, BlobUpload upload) throws IOException {
        exchange.responseHeaders()
                .set("Location", "/v2/" + upload.repository() + "/blobs/uploads/" + upload.id())
                .set("Docker-Upload-Uuid", upload.id().toString())
                .set("Range", "0-" + Math.max(0, upload.size() - 1));
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** {@code POST /files}: one raw body, or the parts of a form (envd.md 4.5). */
final class Upload {
    private static final int GZIP_BUFFER = 64 * 1024;

    private final Exchange exchange;
    private final Query query;
    private final RestCallers callers;
    private final SandboxFiles files;

    Upload(Exchange exchange, Query query, RestCallers callers, SandboxFiles files) {
        this.exchange = exchange;
        this.query = query;
        this.callers = callers;
        this.files = files;
    }

    /** Stores what the request brings and gives the answer. */
    byte[] store() throws RestException, IOException {
        try (InputStream body = decoded()) {
            Account owner = callers.account(query.value("username"));
            Map<String, String> metadata = metadata();
            FileStore store = new FileStore(files, owner, metadata, exchange.requestLength());
            return store(owner, store, body, new StoredFiles(metadata));
        }
    }

    private byte[] store(Account owner, FileStore store, InputStream body, StoredFiles stored)
            throws RestException, IOException {
        String field = exchange.requestHeaders().first("Content-Type").orElse("");
        ContentDisposition type = ContentDisposition.parse(field);
        if (type.type().equals("application/octet-stream")) {
            storeRaw(owner, store, body, stored);
        } else if (type.type().startsWith("multipart/")) {
            storeParts(owner, store, parts(body, type), stored);
        } else {
            throw new RestException(
                    400,
                    "unsupported content type '" + field + "': use multipart/form-data or application/octet-stream");
        }
        return stored.json();
    }

    private void storeRaw(Account owner, FileStore store, InputStream body, StoredFiles stored)
            throws RestException, IOException {
        String path = query.value("path")
                .orElseThrow(() -> new RestException(400, "path query parameter is required for raw uploads"));
        String target = callers.resolve(path, owner);
        store.store(target, body);
        stored.add(target);
    }

    private void storeParts(Account owner, FileStore store, Multipart parts, StoredFiles stored)
            throws RestException, IOException {
        Set<String> targets = new HashSet<>();
        for (Optional<Multipart.Part> part = next(parts); part.isPresent(); part = next(parts)) {
            if (part.get().formName().filter("file"::equals).isPresent()) {
                String target = callers.resolve(path(part.get()), owner);
                if (!targets.add(target)) {
                    throw new RestException(400, "two files of the request have the same path: " + target);
                }
                store.store(target, part.get().body());
                stored.add(target);
            }
        }
    }

    private String path(Multipart.Part part) throws RestException {
        Optional<String> fileName = part.disposition().parameter("filename").filter(name -> !name.isEmpty());
        return query.value("path")
                .or(() -> fileName)
                .orElseThrow(() -> new RestException(400, "a file of the request has neither a file name nor a path"));
    }

    private static Multipart parts(InputStream body, ContentDisposition type) throws RestException {
        try {
            return new Multipart(body, type.parameter("boundary").orElse(""));
        } catch (Multipart.Malformed e) {
            throw new RestException(400, String.valueOf(e.getMessage()), e);
        }
    }

    private static Optional<Multipart.Part> next(Multipart parts) throws RestException, IOException {
        try {
            return parts.next();
        } catch (Multipart.Malformed e) {
            throw new RestException(400, String.valueOf(e.getMessage()), e);
        } catch (ZipException | EOFException e) {
            throw new RestException(400, "the body is not valid gzip: " + e.getMessage(), e);
        }
    }

    private InputStream decoded() throws RestException, IOException {
        String coding = exchange.requestHeaders()
                .first("Content-Encoding")
                .orElse("")
                .strip()
                .toLowerCase(Locale.ROOT);
        return switch (coding) {
            case "", "identity" -> exchange.requestBody();
            case "gzip" -> gunzipped();
            default -> throw new RestException(400, "unsupported Content-Encoding: " + coding);
        };
    }

    private InputStream gunzipped() throws RestException, IOException {
        try {
            return new GZIPInputStream(exchange.requestBody(), GZIP_BUFFER);
        } catch (ZipException | EOFException e) {
            throw new RestException(400, "the body is not valid gzip: " + e.getMessage(), e);
        }
    }

    private Map<String, String> metadata() throws RestException {
        try {
            return Metadata.of(exchange.requestHeaders());
        } catch (Metadata.Refused e) {
            throw new RestException(400, String.valueOf(e.getMessage()), e);
        }
    }
}

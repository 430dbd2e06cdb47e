package dev.sandlot.envd;

import dev.sandlot.envd.ByteRanges.Range;
import dev.sandlot.envd.ContentEncodings.Coding;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/** {@code GET /files}, once the request was let pass (envd.md 4.4). */
final class Download {
    private static final int FIRST_CHUNK = 64 * 1024;
    private static final int CHUNK = 256 * 1024;
    private static final List<String> IDENTITY_FIELDS =
            List.of("Range", "If-Modified-Since", "If-None-Match", "If-Range");

    private final Exchange exchange;
    private final SandboxFiles files;
    private final String path;

    /** @param path resolved */
    Download(Exchange exchange, SandboxFiles files, String path) {
        this.exchange = exchange;
        this.files = files;
        this.path = path;
    }

    /** Answers the request. */
    void send() throws RestException, IOException {
        try (Fd handle = find()) {
            FileStatus status = files.status(handle);
            if (status.isDirectory()) {
                throw new RestException(400, "path '" + path + "' is a directory");
            }
            Coding coding = coding();
            try (SandboxFile file = open(handle)) {
                response()
                        .set("Vary", "Accept-Encoding")
                        .set("Content-Disposition", ContentDisposition.inline(PathRules.baseName(path)));
                send(file, status, coding);
            }
        }
    }

    private Fd find() throws RestException {
        try {
            return files.handle(path);
        } catch (LinuxException e) {
            throw e.is(Errno.ENOENT)
                    ? new RestException(404, "path '" + path + "' does not exist", e)
                    : new RestException(500, "error looking at path '" + path + "': " + e.getMessage(), e);
        }
    }

    private SandboxFile open(Fd handle) throws RestException {
        try {
            return files.read(handle);
        } catch (LinuxException e) {
            throw new RestException(500, "error opening file '" + path + "': " + e.getMessage(), e);
        }
    }

    private Coding coding() throws RestException {
        ContentEncodings accepted =
                ContentEncodings.accepted(exchange.requestHeaders().all("Accept-Encoding"));
        Coding choice = accepted.choice()
                .orElseThrow(() -> new RestException(406, "no acceptable encoding: gzip and identity are supported"));
        if (IDENTITY_FIELDS.stream().noneMatch(exchange.requestHeaders()::has)) {
            return choice;
        }
        if (accepted.refusesIdentity()) {
            throw new RestException(406, "ranges and conditions need identity encoding; gzip is supported without");
        }
        return Coding.IDENTITY;
    }

    private void send(SandboxFile file, FileStatus status, Coding coding) throws IOException {
        if (coding == Coding.GZIP) {
            sendCompressed(file);
            return;
        }
        Preconditions conditions = new Preconditions(exchange.requestHeaders(), status.modified());
        boolean dated = !status.modified().equals(Instant.EPOCH);
        if (dated) {
            response().set("Last-Modified", Preconditions.format(status.modified()));
        }
        Optional<Integer> failure = dated ? conditions.failure() : Optional.empty();
        if (failure.isPresent()) {
            exchange.start(failure.get(), 0).close();
        } else if (file.isKernelFile() || status.size() == 0) {
            sendUnsized(file);
        } else {
            sendSized(file, status.size(), dated && conditions.allowsRange());
        }
    }

    private void sendCompressed(SandboxFile file) throws IOException {
        response()
                .set("Content-Encoding", "gzip")
                .set("Content-Type", ContentTypes.byName(path).orElse(ContentTypes.BINARY));
        FastGzip out = new FastGzip(exchange.start(200, -1));
        try {
            copyToEnd(file, out, new byte[FIRST_CHUNK], 0);
            out.close();
        } finally {
            out.release();
        }
    }

    /** A file whose size says nothing: what is there is sent until it ends. */
    private void sendUnsized(SandboxFile file) throws IOException {
        byte[] buffer = new byte[FIRST_CHUNK];
        int length = file.fill(buffer);
        response()
                .set("Content-Type", ContentTypes.byName(path).orElseGet(() -> ContentTypes.byContent(buffer, length)));
        boolean whole = length < buffer.length;
        OutputStream out = exchange.start(200, whole ? length : -1);
        if (whole) {
            out.write(buffer, 0, length);
        } else {
            copyToEnd(file, out, buffer, length);
        }
        out.close();
    }

    private static void copyToEnd(SandboxFile file, OutputStream out, byte[] buffer, int filled) throws IOException {
        byte[] chunk = buffer;
        int length = filled > 0 ? filled : file.fill(chunk);
        while (length > 0) {
            out.write(chunk, 0, length);
            chunk = chunk.length < CHUNK && length == chunk.length ? new byte[CHUNK] : chunk;
            length = file.fill(chunk);
        }
    }

    private void sendSized(SandboxFile file, long size, boolean rangesCount) throws IOException {
        response().set("Accept-Ranges", "bytes").set("Content-Type", type(file));
        Optional<String> field = rangesCount ? exchange.requestHeaders().first("Range") : Optional.empty();
        try {
            List<Range> ranges =
                    field.isPresent() ? ByteRanges.parse(field.get(), size).ranges() : List.of();
            switch (ranges.size()) {
                case 0 -> sendPart(file, 200, new Range(0, size));
                case 1 -> {
                    response().set("Content-Range", ranges.getFirst().contentRange(size));
                    sendPart(file, 206, ranges.getFirst());
                }
                default -> sendParts(file, size, ranges);
            }
        } catch (ByteRanges.Unsatisfiable e) {
            refuse(e, size);
        }
    }

    private String type(SandboxFile file) throws IOException {
        Optional<String> named = ContentTypes.byName(path);
        if (named.isPresent()) {
            return named.get();
        }
        byte[] start = new byte[ContentTypes.SNIFFED];
        int length = file.readAt(0, start, 0, start.length);
        return ContentTypes.byContent(start, Math.max(0, length));
    }

    private void refuse(ByteRanges.Unsatisfiable reason, long size) throws IOException {
        response().remove("Last-Modified");
        if (reason.outside()) {
            response().set("Content-Range", "bytes */" + size);
        }
        RestErrors.sendText(exchange, 416, String.valueOf(reason.getMessage()));
    }

    private void sendPart(SandboxFile file, int status, Range range) throws IOException {
        OutputStream out = exchange.start(status, range.length());
        copy(file, range, out);
        out.close();
    }

    private void sendParts(SandboxFile file, long size, List<Range> ranges) throws IOException {
        String boundary = UUID.randomUUID().toString().replace("-", "");
        String type = response().first("Content-Type").orElse(ContentTypes.BINARY);
        response().set("Content-Type", "multipart/byteranges; boundary=" + boundary);
        List<byte[]> heads = Stream.iterate(0, i -> i + 1)
                .limit(ranges.size())
                .map(i -> head(i, boundary, ranges.get(i).contentRange(size), type))
                .toList();
        byte[] tail = ascii("\r\n--" + boundary + "--\r\n");
        long length = heads.stream().mapToLong(head -> head.length).sum()
                + ranges.stream().mapToLong(Range::length).sum()
                + tail.length;
        OutputStream out = exchange.start(206, length);
        for (int i = 0; i < ranges.size(); i++) {
            out.write(heads.get(i));
            copy(file, ranges.get(i), out);
        }
        out.write(tail);
        out.close();
    }

    private static byte[] head(int index, String boundary, String contentRange, String type) {
        String start = index == 0 ? "--" : "\r\n--";
        return ascii(
                start + boundary + "\r\nContent-Range: " + contentRange + "\r\nContent-Type: " + type + "\r\n\r\n");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private void copy(SandboxFile file, Range range, OutputStream out) throws IOException {
        byte[] buffer = new byte[(int) Math.min(range.length(), FIRST_CHUNK)];
        long done = 0;
        while (done < range.length()) {
            int count =
                    file.readAt(range.start() + done, buffer, 0, (int) Math.min(buffer.length, range.length() - done));
            if (count < 0) {
                throw new IOException("the file became shorter while it was sent");
            }
            out.write(buffer, 0, count);
            done += count;
            boolean large = buffer.length < CHUNK && range.length() - done >= CHUNK;
            buffer = large ? new byte[CHUNK] : buffer;
        }
    }

    private Headers response() {
        return exchange.responseHeaders();
    }
}

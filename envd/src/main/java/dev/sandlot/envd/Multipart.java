package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Reads a multipart body part by part, as it comes, in constant memory (RFC 2046 section 5.1).
 *
 * <p>{@code buffer[start, end)} is what was read and not yet given out. A delimiter is CR LF, two dashes and the
 * boundary, followed by white space or two dashes; anything else of that look is content. Before the first part
 * and at the beginning of a part's body the delimiter may stand without its CR LF.
 */
final class Multipart {
    private static final int BUFFER_SIZE = 64 * 1024;
    private static final int MAX_BOUNDARY = 256;
    private static final int MAX_HEADERS = 16 * 1024;

    private final InputStream in;
    private final byte[] delimiter;
    private final byte[] buffer = new byte[BUFFER_SIZE];
    private int start;
    private int end;
    private boolean ended;
    private boolean atBodyStart = true;
    private State state = State.PREAMBLE;

    private enum State {
        PREAMBLE,
        BODY,
        AT_DELIMITER,
        FINISHED
    }

    /** A body that is not well formed. */
    static final class Malformed extends IOException {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    /**
     * One part. Its body is read to its end, or passed over, before the next part.
     *
     * @param disposition its {@code Content-Disposition}; an empty one when it has none
     */
    record Part(ContentDisposition disposition, InputStream body) {
        /** The name of the form field, of a part that is one. */
        Optional<String> formName() {
            return disposition.type().equals("form-data") ? disposition.parameter("name") : Optional.empty();
        }
    }

    /** @throws Malformed when the boundary can be none */
    Multipart(InputStream in, String boundary) throws Malformed {
        if (boundary.isEmpty() || boundary.length() > MAX_BOUNDARY) {
            throw new Malformed("no multipart boundary param in Content-Type");
        }
        this.in = in;
        this.delimiter = ("\r\n--" + boundary).getBytes(StandardCharsets.UTF_8);
    }

    /** The next part; empty after the last. */
    Optional<Part> next() throws IOException {
        skipBody();
        if (state == State.FINISHED || !passDelimiter()) {
            state = State.FINISHED;
            return Optional.empty();
        }
        ContentDisposition disposition = readHeaders();
        state = State.BODY;
        atBodyStart = true;
        return Optional.of(new Part(disposition, new Body()));
    }

    private void skipBody() throws IOException {
        byte[] nowhere = new byte[8192];
        while (state == State.PREAMBLE || state == State.BODY) {
            int _ = readBody(nowhere, 0, nowhere.length);
        }
    }

    /** Content up to the next delimiter; -1 when that is reached. */
    private int readBody(byte[] into, int offset, int length) throws IOException {
        if (state != State.BODY && state != State.PREAMBLE) {
            return -1;
        }
        if (atBodyStart && delimiterAtStart()) {
            state = State.AT_DELIMITER;
            return -1;
        }
        atBodyStart = false;
        int content = content();
        if (content == 0) {
            state = State.AT_DELIMITER;
            return -1;
        }
        int count = Math.min(content, length);
        System.arraycopy(buffer, start, into, offset, count);
        start += count;
        return count;
    }

    private boolean delimiterAtStart() throws IOException {
        int bare = delimiter.length - 2;
        require(bare + 2);
        boolean matches = end - start >= bare
                && Arrays.equals(buffer, start, start + bare, delimiter, 2, delimiter.length)
                && isDelimiterEnd(start + bare);
        if (matches) {
            start += bare;
        }
        return matches;
    }

    /** How many bytes at the start are surely content; 0 when a delimiter stands there, which is then passed. */
    private int content() throws IOException {
        while (true) {
            int at = find();
            if (at == start && at < end) {
                start += delimiter.length;
                return 0;
            }
            if (at > start) {
                return at - start;
            }
            if (ended) {
                throw new Malformed("multipart body ends in the middle of a part");
            }
            fill();
        }
    }

    /** Where the next delimiter begins, or else the end of what surely begins none. */
    private int find() throws IOException {
        int whole = delimiter.length + 2;
        for (int i = start; i < end; i++) {
            if (buffer[i] != '\r') {
                continue;
            }
            if (end - i < whole && !ended) {
                if (i > start) {
                    return i;
                }
                require(whole);
                i = start;
            }
            if (delimiterAt(i)) {
                return i;
            }
        }
        return end;
    }

    private boolean delimiterAt(int i) {
        return end - i >= delimiter.length
                && Arrays.equals(buffer, i, i + delimiter.length, delimiter, 0, delimiter.length)
                && isDelimiterEnd(i + delimiter.length);
    }

    private boolean isDelimiterEnd(int i) {
        if (i >= end) {
            return false;
        }
        byte c = buffer[i];
        return c == ' ' || c == '\t' || c == '\r' || (c == '-' && i + 1 < end && buffer[i + 1] == '-');
    }

    /** Passes what follows a delimiter on its line; false when it was the last one. */
    private boolean passDelimiter() throws IOException {
        require(2);
        if (end - start >= 2 && buffer[start] == '-' && buffer[start + 1] == '-') {
            return false;
        }
        int c = readByte();
        for (int skipped = 0; (c == ' ' || c == '\t') && skipped < MAX_HEADERS; skipped++) {
            c = readByte();
        }
        if (c != '\r' || readByte() != '\n') {
            throw new Malformed("multipart delimiter is not followed by a line end");
        }
        return true;
    }

    private ContentDisposition readHeaders() throws IOException {
        int budget = MAX_HEADERS;
        String disposition = "";
        String field = readLine(budget);
        while (!field.isEmpty()) {
            budget -= field.length() + 2;
            String line = readLine(budget);
            while (line.startsWith(" ") || line.startsWith("\t")) {
                budget -= line.length() + 2;
                field += line;
                line = readLine(budget);
            }
            disposition = disposition.isEmpty() ? disposition(field) : disposition;
            field = line;
        }
        return ContentDisposition.parse(disposition);
    }

    private static String disposition(String field) throws Malformed {
        int colon = field.indexOf(':');
        if (colon < 1) {
            throw new Malformed("multipart header line has no name");
        }
        String name = field.substring(0, colon).strip().toLowerCase(Locale.ROOT);
        return name.equals("content-disposition") ? field.substring(colon + 1).strip() : "";
    }

    private String readLine(int limit) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = readByte(); c != '\n'; c = readByte()) {
            if (line.size() >= limit) {
                throw new Malformed("multipart headers are too large");
            }
            line.write(c);
        }
        byte[] bytes = line.toByteArray();
        int length = bytes.length > 0 && bytes[bytes.length - 1] == '\r' ? bytes.length - 1 : bytes.length;
        return FileNames.decode(Arrays.copyOf(bytes, length));
    }

    private int readByte() throws IOException {
        require(1);
        if (start == end) {
            throw new Malformed("multipart body ends in the middle of a part");
        }
        return buffer[start++] & 0xFF;
    }

    /** Reads until so many bytes are there or the body ends. */
    private void require(int count) throws IOException {
        while (end - start < count && !ended) {
            fill();
        }
    }

    private void fill() throws IOException {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        int count = in.read(buffer, end, buffer.length - end);
        if (count < 0) {
            ended = true;
        } else {
            end += count;
        }
    }

    /** The body of the part that was given out last. */
    private final class Body extends InputStream {
        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            return length == 0 ? 0 : readBody(into, offset, length);
        }
    }
}

package dev.sandlot.node;

import dev.sandlot.protocol.Headers;
import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The head of an answer from a service in a sandbox, which is not trusted.
 *
 * @param status its status, never an interim one but 101
 * @param headers its fields
 * @param framing how the body ends
 * @param length bytes of the body that the head declares, also where none follows (HEAD); -1 when it does not
 * @param persistent whether the connection may carry another request
 */
record ServiceAnswer(int status, Headers headers, Framing framing, long length, boolean persistent) {
    /** How the end of a body is found. */
    enum Framing {
        NONE,
        LENGTH,
        CHUNKS,
        CLOSE
    }

    private static final int HEAD_LIMIT = 64 * 1024;
    private static final int MAX_INTERIM = 16;
    private static final Pattern STATUS_LINE = Pattern.compile("HTTP/1\\.([01]) ([1-5][0-9]{2})(?: .*)?");
    private static final Pattern LENGTH = Pattern.compile("[0-9]{1,18}");

    /** Reads the final head, past interim ones. */
    static ServiceAnswer read(SandboxSocket socket, String method, boolean readAhead) throws IOException {
        for (int i = 0; i < MAX_INTERIM; i++) {
            ServiceAnswer answer = readOne(socket, method, readAhead);
            if (answer.status >= 200 || answer.status == 101) {
                return answer;
            }
        }
        throw new MalformedAnswerException("Too many interim answers");
    }

    private static ServiceAnswer readOne(SandboxSocket socket, String method, boolean readAhead) throws IOException {
        Matcher line = STATUS_LINE.matcher(socket.readLine(HEAD_LIMIT, readAhead));
        if (!line.matches()) {
            throw new MalformedAnswerException("Malformed status line");
        }
        boolean http10 = line.group(1).equals("0");
        int status = Integer.parseInt(line.group(2));
        Headers headers = readFields(socket, readAhead);
        long length = length(headers);
        Framing framing = framing(method, status, http10, headers, length);
        boolean persistent = !http10
                && framing != Framing.CLOSE
                && !HopByHop.connectionTokens(headers).contains("close");
        return new ServiceAnswer(status, headers, framing, length, persistent);
    }

    private static Headers readFields(SandboxSocket socket, boolean readAhead) throws IOException {
        Headers headers = new Headers();
        int left = HEAD_LIMIT;
        while (true) {
            String line = socket.readLine(left, readAhead);
            if (line.isEmpty()) {
                return headers;
            }
            left -= line.length();
            int colon = line.indexOf(':');
            String name = colon < 0 ? "" : line.substring(0, colon);
            String value = line.substring(colon + 1).strip();
            if (!HttpText.isToken(name) || !HttpText.isValue(value)) {
                throw new MalformedAnswerException("Malformed field in the answer");
            }
            headers.add(name, value);
        }
    }

    private static long length(Headers headers) throws MalformedAnswerException {
        List<String> lengths = headers.all("Content-Length").stream().distinct().toList();
        if (lengths.isEmpty()) {
            return -1;
        }
        if (lengths.size() > 1 || !LENGTH.matcher(lengths.getFirst()).matches()) {
            throw new MalformedAnswerException("Malformed Content-Length in the answer");
        }
        return Long.parseLong(lengths.getFirst());
    }

    private static Framing framing(String method, int status, boolean http10, Headers headers, long length)
            throws MalformedAnswerException {
        List<String> codings = headers.all("Transfer-Encoding");
        if (!codings.isEmpty()
                && (http10
                        || length >= 0
                        || codings.size() > 1
                        || !codings.getFirst().equalsIgnoreCase("chunked"))) {
            throw new MalformedAnswerException("Malformed Transfer-Encoding in the answer");
        }
        if (method.equals("HEAD") || status < 200 || status == 204 || status == 304) {
            return Framing.NONE;
        }
        if (!codings.isEmpty()) {
            return Framing.CHUNKS;
        }
        return length >= 0 ? Framing.LENGTH : Framing.CLOSE;
    }
}

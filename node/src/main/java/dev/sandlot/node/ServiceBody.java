package dev.sandlot.node;

import java.io.EOFException;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The body of an answer from a service in a sandbox, freed from its framing. A body cut short is an error. */
final class ServiceBody {
    private static final int LINE_LIMIT = 4096;
    private static final int MAX_TRAILERS = 64;
    private static final Pattern CHUNK_LINE = Pattern.compile("([0-9a-fA-F]{1,15})[ \\t]*(?:;.*)?");

    private final SandboxSocket socket;
    private final ServiceAnswer.Framing framing;
    private long left;
    private boolean inChunk;
    private boolean ended;

    ServiceBody(SandboxSocket socket, ServiceAnswer answer) {
        this.socket = socket;
        this.framing = answer.framing();
        this.left = framing == ServiceAnswer.Framing.LENGTH ? answer.length() : 0;
    }

    /** Reads what is there, at least one byte; -1 at the proper end. */
    int read(byte[] bytes) throws IOException {
        if (ended || !hasMore()) {
            ended = true;
            return -1;
        }
        if (framing == ServiceAnswer.Framing.CLOSE) {
            return socket.read(bytes, 0, bytes.length);
        }
        int count = socket.read(bytes, 0, (int) Math.min(bytes.length, left));
        if (count < 0) {
            throw new EOFException("The service cut its answer");
        }
        left -= count;
        return count;
    }

    private boolean hasMore() throws IOException {
        return switch (framing) {
            case NONE -> false;
            case CLOSE -> true;
            case LENGTH -> left > 0;
            case CHUNKS -> left > 0 || nextChunk();
        };
    }

    private boolean nextChunk() throws IOException {
        if (inChunk && !socket.readLine(LINE_LIMIT, true).isEmpty()) {
            throw new MalformedAnswerException("A chunk is longer than it said");
        }
        Matcher line = CHUNK_LINE.matcher(socket.readLine(LINE_LIMIT, true));
        if (!line.matches()) {
            throw new MalformedAnswerException("Malformed chunk size");
        }
        left = Long.parseLong(line.group(1), 16);
        inChunk = true;
        if (left == 0) {
            skipTrailers();
        }
        return left > 0;
    }

    private void skipTrailers() throws IOException {
        for (int i = 0; i < MAX_TRAILERS; i++) {
            if (socket.readLine(LINE_LIMIT, true).isEmpty()) {
                return;
            }
        }
        throw new MalformedAnswerException("Too many trailers");
    }
}

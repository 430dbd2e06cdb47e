package dev.sandlot.envd;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Cuts output into lines of UTF-8; one that is longer than a limit is told in pieces. */
final class OutputLines {
    static final int MAX_LINE_BYTES = 16 << 10;

    private final Consumer<String> lines;
    private final ByteArrayOutputStream open = new ByteArrayOutputStream();

    OutputLines(Consumer<String> lines) {
        this.lines = lines;
    }

    void add(ByteString bytes) {
        for (int i = 0; i < bytes.size(); i++) {
            byte each = bytes.byteAt(i);
            if (each == '\n') {
                tell();
            } else {
                open.write(each);
                if (open.size() >= MAX_LINE_BYTES) {
                    tell();
                }
            }
        }
    }

    /** Tells what is left without a line end. */
    void finish() {
        if (open.size() > 0) {
            tell();
        }
    }

    private void tell() {
        String line = open.toString(StandardCharsets.UTF_8);
        open.reset();
        lines.accept(line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
    }
}

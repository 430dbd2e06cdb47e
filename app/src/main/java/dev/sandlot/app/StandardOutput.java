package dev.sandlot.app;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The output of a command, which remembers why it could not be written: a {@link PrintStream} says nothing of it. */
final class StandardOutput extends FilterOutputStream {
    /** As shells say it of a program that SIGPIPE ended. */
    private static final int READER_GONE = 128 + 13;

    private volatile @Nullable IOException failure;

    StandardOutput(OutputStream out) {
        super(out);
    }

    /** Of this process. */
    static StandardOutput ofProcess() {
        return new StandardOutput(raw());
    }

    /** The same without memory, for what is no text: it fails at once. */
    static OutputStream raw() {
        return new FileOutputStream(FileDescriptor.out);
    }

    PrintStream print() {
        return new PrintStream(this, true, StandardCharsets.UTF_8);
    }

    @Override
    public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /**
     * How the process ends: a command that did its work and could not say so has failed. A reader that went away, such
     * as {@code head}, knows that.
     */
    int exitCode(int code, PrintStream err) {
        IOException reason = failure;
        if (reason == null || code != ExitCode.OK) {
            return code;
        }
        if ("Broken pipe".equals(reason.getMessage())) {
            return READER_GONE;
        }
        err.println(Main.ERROR_PREFIX + "could not write to standard output: " + reason.getMessage());
        return ExitCode.FAILED;
    }
}

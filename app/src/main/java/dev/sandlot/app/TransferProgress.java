package dev.sandlot.app;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;

/** Says once a second how much of something large has passed. One thread at a time. */
final class TransferProgress {
    private static final long INTERVAL = Duration.ofSeconds(1).toNanos();
    private static final long MEGABYTE = 1_000_000;

    private final PrintStream out;
    private long passed;
    private long told = System.nanoTime();

    TransferProgress(PrintStream out) {
        this.out = out;
    }

    /** The same stream, counted. */
    OutputStream counting(OutputStream to) {
        return new FilterOutputStream(to) {
            @Override
            public void write(int one) throws IOException {
                super.out.write(one);
                pass(1, -1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                super.out.write(bytes, offset, length);
                pass(length, -1);
            }
        };
    }

    /**
     * The same stream, counted.
     *
     * @param total how long it is; -1 when nobody knows
     */
    InputStream counting(InputStream from, long total) {
        return new FilterInputStream(from) {
            @Override
            public int read() throws IOException {
                int one = in.read();
                pass(one < 0 ? -1 : 1, total);
                return one;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                int count = in.read(bytes, offset, length);
                pass(count, total);
                return count;
            }
        };
    }

    private void pass(int count, long total) {
        if (count < 0) {
            out.println(passed / MEGABYTE + " MB were sent; the server reads the layers");
            return;
        }
        passed += count;
        if (System.nanoTime() - told > INTERVAL) {
            told = System.nanoTime();
            String share = total > 0 ? " of " + total / MEGABYTE + " MB (" + passed * 100 / total + " %)" : " MB";
            out.println(passed / MEGABYTE + share);
        }
    }
}

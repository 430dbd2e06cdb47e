package dev.sandlot.images;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes PAX archives: the same entries always give the same bytes. What does not fit the header block goes into
 * extended records, in the order of their keys.
 */
final class TarWriter {
    private static final int BLOCK = TarReader.BLOCK;
    private static final long MAX_OCTAL_12 = 077777777777L;
    private static final byte[] ZEROS = new byte[BLOCK];

    private final OutputStream out;
    private long unwritten;
    private int padding;

    TarWriter(OutputStream out) {
        this.out = out;
    }

    /** Starts an entry; its content follows by {@link #write}, exactly as many bytes as its size says. */
    void begin(TarEntry entry) throws IOException {
        Map<String, String> extended = extended(entry);
        if (!extended.isEmpty()) {
            byte[] records = records(extended);
            header('x', "PaxHeaders/entry", "", 0644, 0, 0, records.length, 0);
            out.write(records);
            out.write(ZEROS, 0, paddingOf(records.length));
        }
        header(
                flag(entry.type()),
                entry.path(),
                entry.link(),
                entry.mode(),
                entry.uid(),
                entry.gid(),
                entry.size(),
                Math.clamp(entry.seconds(), 0, MAX_OCTAL_12));
        unwritten = entry.size();
        padding = paddingOf(entry.size());
    }

    /** Writes content of the current entry. */
    void write(byte[] bytes, int length) throws IOException {
        if (length > unwritten) {
            throw new IOException("more content than the entry's size");
        }
        out.write(bytes, 0, length);
        unwritten -= length;
    }

    /** Ends the current entry. */
    void end() throws IOException {
        if (unwritten != 0) {
            throw new IOException("less content than the entry's size");
        }
        out.write(ZEROS, 0, padding);
        padding = 0;
    }

    /** Ends the archive; the stream stays open. */
    void finish() throws IOException {
        out.write(ZEROS);
        out.write(ZEROS);
        out.flush();
    }

    private static Map<String, String> extended(TarEntry entry) {
        Map<String, String> records = new TreeMap<>();
        if (entry.path().length() > 100) {
            records.put("path", entry.path());
        }
        if (entry.link().length() > 100) {
            records.put("linkpath", entry.link());
        }
        if (entry.size() > MAX_OCTAL_12) {
            records.put("size", Long.toString(entry.size()));
        }
        if (entry.nanos() != 0 || entry.seconds() < 0 || entry.seconds() > MAX_OCTAL_12) {
            records.put("mtime", mtime(entry));
        }
        entry.xattrs().forEach((key, value) -> records.put("SCHILY.xattr." + key, value));
        return records;
    }

    private static String mtime(TarEntry entry) {
        return java.math.BigDecimal.valueOf(entry.seconds())
                .add(java.math.BigDecimal.valueOf(entry.nanos(), 9))
                .stripTrailingZeros()
                .toPlainString();
    }

    private static byte[] records(Map<String, String> extended) {
        StringBuilder text = new StringBuilder();
        extended.forEach((key, value) -> text.append(record(key, value)));
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String record(String key, String value) {
        String rest = " " + key + "=" + value + "\n";
        int length = rest.length() + 1;
        while (rest.length() + Integer.toString(length).length() != length) {
            length = rest.length() + Integer.toString(length).length();
        }
        return length + rest;
    }

    private void header(char type, String path, String link, int mode, int uid, int gid, long size, long mtime)
            throws IOException {
        byte[] block = new byte[BLOCK];
        text(block, 0, path.substring(0, Math.min(100, path.length())));
        octal(block, 100, 8, mode);
        octal(block, 108, 8, uid);
        octal(block, 116, 8, gid);
        octal(block, 124, 12, Math.min(size, MAX_OCTAL_12));
        octal(block, 136, 12, mtime);
        block[156] = (byte) type;
        text(block, 157, link.substring(0, Math.min(100, link.length())));
        text(block, 257, "ustar\00000");
        sum(block);
        out.write(block);
    }

    private static void sum(byte[] block) {
        Arrays.fill(block, 148, 156, (byte) ' ');
        int sum = 0;
        for (byte b : block) {
            sum += b & 0xff;
        }
        octal(block, 148, 7, sum);
    }

    private static void text(byte[] block, int offset, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, block, offset, bytes.length);
    }

    private static void octal(byte[] block, int offset, int width, long value) {
        String digits = Long.toOctalString(value);
        text(block, offset, "0".repeat(width - 1 - digits.length()) + digits);
        block[offset + width - 1] = 0;
    }

    private static char flag(TarEntry.Type type) {
        return switch (type) {
            case FILE -> '0';
            case HARD_LINK -> '1';
            case SYMLINK -> '2';
            case CHARACTER_DEVICE -> '3';
            case BLOCK_DEVICE -> '4';
            case DIRECTORY -> '5';
            case FIFO -> '6';
        };
    }

    private static int paddingOf(long size) {
        return (int) (-size & (BLOCK - 1));
    }
}

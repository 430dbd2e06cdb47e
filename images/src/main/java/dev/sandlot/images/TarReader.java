package dev.sandlot.images;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads ustar, PAX and GNU archives entry by entry, in constant memory.
 *
 * <p>Header block (POSIX.1-1988): name 0+100, mode 100+8, uid 108+8, gid 116+8, size 124+12, mtime 136+12,
 * chksum 148+8, typeflag 156, linkname 157+100, magic 257+6, prefix 345+155. Numbers are octal text, or base 256
 * when the first byte has its top bit set. PAX records ({@code "<length> <key>=<value>\n"}) and GNU long names
 * ({@code L}, {@code K}) apply to the next entry; their size is bounded. Sparse files are refused: their size on
 * disk has nothing to do with the archive's.
 */
final class TarReader {
    static final int BLOCK = 512;

    private static final int MAX_EXTENDED_BYTES = 1 << 20;
    private static final String XATTR_PREFIX = "SCHILY.xattr.";

    private final InputStream in;
    private final boolean ownersCount;
    private final Map<String, String> global = new HashMap<>();
    private final byte[] block = new byte[BLOCK];
    private long unread;
    private int padding;

    TarReader(InputStream in) {
        this(in, true);
    }

    private TarReader(InputStream in, boolean ownersCount) {
        this.in = in;
        this.ownersCount = ownersCount;
    }

    /** Of archives whose owners are not looked at, and may be any: every entry is root's. */
    static TarReader withoutOwners(InputStream in) {
        return new TarReader(in, false);
    }

    /** The next entry, whose content {@link #read} then gives; empty at the end of the archive. */
    Optional<TarEntry> next() throws IOException {
        skipContent();
        Map<String, String> extended = new HashMap<>(global);
        while (readHeader()) {
            byte type = block[156];
            switch (type) {
                case 'x', 'X' -> parsePax(extendedContent(), extended);
                case 'g' -> addGlobal(extended);
                case 'L' -> extended.put("path", untilZero(extendedContent()));
                case 'K' -> extended.put("linkpath", untilZero(extendedContent()));
                default -> {
                    return Optional.of(entry(type, extended));
                }
            }
        }
        return Optional.empty();
    }

    /** Reads content of the current entry; -1 at its end. */
    int read(byte[] buffer) throws IOException {
        if (unread == 0) {
            return -1;
        }
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, unread));
        if (count < 0) {
            throw new EOFException("the archive ends inside an entry");
        }
        unread -= count;
        return count;
    }

    private void skipContent() throws IOException {
        skipExactly(unread + padding);
        unread = 0;
        padding = 0;
    }

    private void skipExactly(long count) throws IOException {
        try {
            in.skipNBytes(count);
        } catch (EOFException e) {
            throw new EOFException("the archive ends inside an entry");
        }
    }

    private boolean readHeader() throws IOException {
        int count = in.readNBytes(block, 0, BLOCK);
        if (count == 0) {
            return false;
        }
        if (count < BLOCK) {
            throw new EOFException("the archive ends inside a header");
        }
        if (isZero()) {
            return false;
        }
        checkSum();
        return true;
    }

    private boolean isZero() {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private void checkSum() throws BadLayerException {
        long sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= 148 && i < 156 ? ' ' : (block[i] & 0xff);
        }
        String written = text(148, 8).strip();
        if (!written.matches("[0-7]{1,8}") || sum != Long.parseLong(written, 8)) {
            throw new BadLayerException("not a tar archive: a header's checksum is wrong");
        }
    }

    private void addGlobal(Map<String, String> extended) throws IOException {
        parsePax(extendedContent(), global);
        extended.putAll(global);
    }

    private byte[] extendedContent() throws IOException {
        long size = number(124, 12);
        if (size < 0 || size > MAX_EXTENDED_BYTES) {
            throw new BadLayerException("an extended header of " + size + " bytes");
        }
        byte[] content = in.readNBytes((int) size);
        if (content.length < size) {
            throw new EOFException("the archive ends inside an extended header");
        }
        skipExactly(paddingOf(size));
        return content;
    }

    private static void parsePax(byte[] records, Map<String, String> into) throws BadLayerException {
        String text = new String(records, StandardCharsets.ISO_8859_1);
        int at = 0;
        while (at < text.length() && text.charAt(at) != 0) {
            int space = text.indexOf(' ', at);
            int end = at + paxLength(text, at, space);
            int equals = text.indexOf('=', space);
            if (end > text.length() || equals < 0 || equals >= end || text.charAt(end - 1) != '\n') {
                throw new BadLayerException("a damaged extended header");
            }
            into.put(text.substring(space + 1, equals), text.substring(equals + 1, end - 1));
            at = end;
        }
    }

    private static int paxLength(String text, int at, int space) throws BadLayerException {
        if (space < 0 || space == at || space - at > 7) {
            throw new BadLayerException("a damaged extended header");
        }
        int length = (int) decimal(text.substring(at, space));
        if (length <= space - at + 1) {
            throw new BadLayerException("a damaged extended header");
        }
        return length;
    }

    private TarEntry entry(byte type, Map<String, String> extended) throws BadLayerException {
        refuseSparse(type, extended);
        TarEntry.Type kind = kind(type, path(extended));
        long size = size(kind, extended);
        BigDecimal mtime = mtime(extended.get("mtime"));
        BigDecimal seconds = mtime.setScale(0, RoundingMode.FLOOR);
        unread = size;
        padding = paddingOf(size);
        return new TarEntry(
                kind,
                path(extended),
                extended.getOrDefault("linkpath", text(157, 100)),
                (int) number(100, 8) & 07777,
                id(extended.get("uid"), 108),
                id(extended.get("gid"), 116),
                size,
                seconds.longValue(),
                mtime.subtract(seconds).movePointRight(9).intValue(),
                xattrs(extended));
    }

    private static void refuseSparse(byte type, Map<String, String> extended) throws BadLayerException {
        if (type == 'S' || extended.keySet().stream().anyMatch(key -> key.startsWith("GNU.sparse."))) {
            throw new BadLayerException("sparse files are not supported");
        }
    }

    private static TarEntry.Type kind(byte type, String path) throws BadLayerException {
        return switch (type) {
            case '0', 0, '7' -> path.endsWith("/") ? TarEntry.Type.DIRECTORY : TarEntry.Type.FILE;
            case '1' -> TarEntry.Type.HARD_LINK;
            case '2' -> TarEntry.Type.SYMLINK;
            case '3' -> TarEntry.Type.CHARACTER_DEVICE;
            case '4' -> TarEntry.Type.BLOCK_DEVICE;
            case '5' -> TarEntry.Type.DIRECTORY;
            case '6' -> TarEntry.Type.FIFO;
            default -> throw new BadLayerException("an entry of unknown type '" + (char) type + "'");
        };
    }

    private String path(Map<String, String> extended) {
        String full = extended.get("path");
        if (full != null) {
            return full;
        }
        boolean posix = text(257, 6).equals("ustar");
        String prefix = posix ? text(345, 155) : "";
        return prefix.isEmpty() ? text(0, 100) : prefix + "/" + text(0, 100);
    }

    private long size(TarEntry.Type kind, Map<String, String> extended) throws BadLayerException {
        if (kind != TarEntry.Type.FILE) {
            return 0;
        }
        String written = extended.get("size");
        long size = written == null ? number(124, 12) : decimal(written);
        if (size < 0) {
            throw new BadLayerException("a file of negative size");
        }
        return size;
    }

    private int id(@Nullable String written, int offset) throws BadLayerException {
        if (!ownersCount) {
            return 0;
        }
        long id = written == null ? number(offset, 8) : decimal(written);
        if (id < 0 || id > 65535) {
            throw new BadLayerException("owner " + id + " is outside of 0 to 65535");
        }
        return (int) id;
    }

    private BigDecimal mtime(@Nullable String written) throws BadLayerException {
        if (written == null) {
            return BigDecimal.valueOf(number(136, 12));
        }
        if (!written.matches("-?[0-9]{1,15}(\\.[0-9]{0,30})?")) {
            throw new BadLayerException("a damaged modification time");
        }
        return new BigDecimal(written);
    }

    private static Map<String, String> xattrs(Map<String, String> extended) {
        Map<String, String> found = new HashMap<>();
        extended.forEach((key, value) -> {
            if (key.startsWith(XATTR_PREFIX)) {
                found.put(key.substring(XATTR_PREFIX.length()), value);
            }
        });
        return found;
    }

    private static int paddingOf(long size) {
        return (int) (-size & (BLOCK - 1));
    }

    private String text(int offset, int length) {
        int end = offset;
        while (end < offset + length && block[end] != 0) {
            end++;
        }
        return new String(block, offset, end - offset, StandardCharsets.ISO_8859_1);
    }

    private static String untilZero(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int zero = text.indexOf(0);
        return zero < 0 ? text : text.substring(0, zero);
    }

    private long number(int offset, int length) throws BadLayerException {
        if ((block[offset] & 0x80) != 0) {
            return base256(offset, length);
        }
        String digits = text(offset, length).strip();
        if (!digits.matches("[0-7]{0,20}")) {
            throw new BadLayerException("a damaged number in a header");
        }
        return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
    }

    private long base256(int offset, int length) throws BadLayerException {
        boolean negative = (block[offset] & 0x40) != 0;
        long value = (negative ? -1L << 6 : 0) | (block[offset] & 0x3f);
        for (int i = 1; i < length; i++) {
            if (value > Long.MAX_VALUE >> 8 || value < Long.MIN_VALUE >> 8) {
                throw new BadLayerException("a number too large in a header");
            }
            value = (value << 8) | (block[offset + i] & 0xff);
        }
        return value;
    }

    private static long decimal(String digits) throws BadLayerException {
        if (!digits.matches("[0-9]{1,18}")) {
            throw new BadLayerException("a damaged number in an extended header");
        }
        return Long.parseLong(digits);
    }
}

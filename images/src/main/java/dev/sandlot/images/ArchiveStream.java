package dev.sandlot.images;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/** The uncompressed bytes of an archive: counted, digested, and cut off where the limit is. */
final class ArchiveStream extends InputStream {
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final byte[] GZIP = {0x1f, (byte) 0x8b};
    private static final byte[] ZSTD = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd};

    private static final long RATIO_COUNTS_FROM = 64 << 20;

    private final InputStream in;
    private final CountedInput compressed;
    private final long limit;
    private final int maxRatio;
    private final MessageDigest digest = Digest.sha256();
    private long count;

    private ArchiveStream(InputStream in, CountedInput compressed, long limit, int maxRatio) {
        this.in = in;
        this.compressed = compressed;
        this.limit = limit;
        this.maxRatio = maxRatio;
    }

    /** Looks at the first bytes to tell plain tar, gzip and zstd apart. */
    static ArchiveStream open(InputStream archive, long limit) throws IOException {
        return open(archive, limit, Integer.MAX_VALUE);
    }

    /**
     * As {@link #open(InputStream, long)}.
     *
     * @param maxRatio how many bytes one compressed byte may become, on the average of a large archive
     */
    static ArchiveStream open(InputStream archive, long limit, int maxRatio) throws IOException {
        CountedInput compressed = new CountedInput(archive);
        BufferedInputStream buffered = new BufferedInputStream(compressed, BUFFER_BYTES);
        buffered.mark(ZSTD.length);
        byte[] magic = buffered.readNBytes(ZSTD.length);
        buffered.reset();
        return new ArchiveStream(decompressed(buffered, magic), compressed, limit, maxRatio);
    }

    /** What a media type of a layer has after {@code tar}, by the first bytes of the layer. */
    static String suffix(Path layer) throws IOException {
        try (InputStream in = Files.newInputStream(layer)) {
            byte[] magic = in.readNBytes(ZSTD.length);
            return startsWith(magic, GZIP) ? "+gzip" : startsWith(magic, ZSTD) ? "+zstd" : "";
        }
    }

    /** How many more bytes the limit allows. */
    long allowance() {
        return limit - count;
    }

    long count() {
        return count;
    }

    /** Reads whatever follows the archive's end, which the digest covers too, and gives the digest. */
    Digest finish() throws IOException {
        byte[] rest = new byte[BUFFER_BYTES];
        int read = read(rest, 0, rest.length);
        while (read >= 0) {
            read = read(rest, 0, rest.length);
        }
        return Digest.finished(digest.digest());
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int read = in.read(buffer, offset, length);
        if (read > 0) {
            count += read;
            refuseTooLarge();
            digest.update(buffer, offset, read);
        }
        return read;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    private void refuseTooLarge() throws BadLayerException {
        if (count > limit) {
            throw new BadLayerException("the archive is larger than " + limit + " bytes");
        }
        if (count > RATIO_COUNTS_FROM && count / maxRatio > compressed.count()) {
            throw new BadLayerException("the archive becomes more than " + maxRatio + " times its size");
        }
    }

    private static InputStream decompressed(InputStream in, byte[] magic) throws IOException {
        if (startsWith(magic, GZIP)) {
            return new BufferedInputStream(new GZIPInputStream(in, BUFFER_BYTES), BUFFER_BYTES);
        }
        if (startsWith(magic, ZSTD)) {
            return new BufferedInputStream(new ZstdInputStream(in), BUFFER_BYTES);
        }
        return in;
    }

    private static boolean startsWith(byte[] bytes, byte[] prefix) {
        return bytes.length >= prefix.length && Arrays.equals(bytes, 0, prefix.length, prefix, 0, prefix.length);
    }
}

package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;

/**
 * Names what a build has come to by all that led there: each key depends on the one before (template-build.md 7).
 *
 * @param digest of the parts, each with its length before it
 */
record CacheKey(Digest digest) {
    /** Changes when layers that were made in the same way would come out differently. */
    private static final String FORMAT = "sandlot-1";

    /** The key that a build begins with. */
    static CacheKey first(String... parts) {
        return of(FORMAT, Arrays.asList(parts));
    }

    /** The key after one more thing was done. */
    CacheKey then(String what, List<String> parts) {
        return of(digest.hex() + what, parts);
    }

    private static CacheKey of(String before, List<String> parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            write(out, before);
            for (String part : parts) {
                write(out, part);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new CacheKey(Digest.of(bytes.toByteArray()));
    }

    private static void write(DataOutputStream out, String part) throws IOException {
        byte[] text = part.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        out.writeInt(text.length);
        out.write(text);
    }

    String hex() {
        return digest.hex();
    }

    @Override
    public String toString() {
        return digest.hex();
    }
}

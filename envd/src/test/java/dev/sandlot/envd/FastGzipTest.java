package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

@InProcessOnly("the compressor alone")
class FastGzipTest {
    private static final int MIB = 1 << 20;

    private static byte[] packed(byte[] bytes, Random random) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        FastGzip gzip = new FastGzip(out);
        for (int at = 0; at < bytes.length; ) {
            int count = Math.min(bytes.length - at, random.nextInt(1, 300_000));
            gzip.write(bytes, at, count);
            at += count;
        }
        gzip.close();
        gzip.release();
        return out.toByteArray();
    }

    private static byte[] unpacked(byte[] bytes) throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return in.readAllBytes();
        }
    }

    @Test
    void what_is_random_stays_about_as_large_and_what_is_text_becomes_small() throws IOException {
        Random random = new Random(3);
        byte[] noise = new byte[8 * MIB];
        random.nextBytes(noise);
        byte[] text = "a line of text\n".repeat(500_000).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertThat(packed(noise, random).length).isLessThan(noise.length + noise.length / 1000);
        assertThat(packed(text, random).length).isLessThan(text.length / 20);
    }

    @Test
    void text_after_noise_is_compressed_again() throws IOException {
        Random random = new Random(4);
        byte[] mixed = new byte[24 * MIB];
        byte[] noise = new byte[4 * MIB];
        random.nextBytes(noise);
        System.arraycopy(noise, 0, mixed, 0, noise.length);
        assertThat(packed(mixed, random).length).isLessThan(8 * MIB);
    }

    @Test
    void any_mix_comes_back_as_it_was() throws IOException {
        for (int seed = 0; seed < 30; seed++) {
            Random random = new Random(seed);
            byte[] bytes = new byte[random.nextInt(4 * MIB)];
            for (int at = 0; at < bytes.length; ) {
                byte[] part = new byte[Math.min(bytes.length - at, random.nextInt(1, 400_000))];
                if (random.nextBoolean()) {
                    random.nextBytes(part);
                } else {
                    Arrays.fill(part, (byte) random.nextInt());
                }
                System.arraycopy(part, 0, bytes, at, part.length);
                at += part.length;
            }
            assertThat(unpacked(packed(bytes, random))).as("seed %d", seed).isEqualTo(bytes);
        }
    }
}

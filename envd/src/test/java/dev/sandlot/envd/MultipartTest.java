package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reader of multipart bodies, against a writer that knows what it wrote. */
@InProcessOnly("the parser alone")
class MultipartTest {
    private static final String BOUNDARY = "--xYzZY-";

    private record Expected(String fileName, byte[] content) {}

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void every_generated_body_is_read_as_it_was_written(long seed) throws IOException {
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            List<Expected> parts = new ArrayList<>();
            for (int i = random.nextInt(5); i >= 0; i--) {
                parts.add(new Expected("dir/f" + i, content(random)));
            }
            byte[] body = write(parts, random);
            List<Expected> read = read(new Dripping(body, random), random);
            assertThat(read).as("seed %s round %s", seed, round).hasSameSizeAs(parts);
            for (int i = 0; i < parts.size(); i++) {
                assertThat(read.get(i).fileName).isEqualTo(parts.get(i).fileName);
                assertThat(read.get(i).content)
                        .as("seed %s round %s", seed, round)
                        .isEqualTo(parts.get(i).content);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14})
    void a_damaged_body_is_read_or_refused_but_never_read_forever(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            byte[] body =
                    write(List.of(new Expected("a", content(random)), new Expected("b", content(random))), random);
            for (int i = random.nextInt(4); i >= 0; i--) {
                body[random.nextInt(body.length)] = (byte) random.nextInt(256);
            }
            byte[] cut = Arrays.copyOf(body, random.nextInt(body.length));
            try {
                int total = read(new ByteArrayInputStream(cut), random).stream()
                        .mapToInt(p -> p.content.length)
                        .sum();
                assertThat(total).isLessThanOrEqualTo(cut.length);
            } catch (Multipart.Malformed e) {
                assertThat(e).hasMessageContaining("multipart");
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Test
    void headers_are_bounded() {
        String body = "--b\r\nX-Long: " + "x".repeat(20_000) + "\r\n\r\n";
        assertThatThrownBy(() -> new Multipart(stream(body), "b").next()).isInstanceOf(Multipart.Malformed.class);
    }

    @Test
    void preamble_padding_and_epilogue_are_passed_over() throws IOException {
        String body = "before\r\n--b \t\r\nContent-Disposition: form-data;\r\n name=\"file\"; filename=\"x\"\r\n\r\n"
                + "1\r\n--bc\r\n2\r\n--b--\r\nafter\r\n--b\r\n\r\n";
        Multipart parts = new Multipart(stream(body), "b");
        Multipart.Part part = parts.next().orElseThrow();
        assertThat(part.formName()).hasValue("file");
        assertThat(part.body().readAllBytes()).asString().isEqualTo("1\r\n--bc\r\n2");
        assertThat(parts.next()).isEmpty();
        assertThat(parts.next()).isEmpty();
    }

    @Test
    void a_body_may_be_empty_without_a_line_of_its_own() throws IOException {
        Multipart parts = new Multipart(stream("--b\r\n\r\n--b--\r\n"), "b");
        assertThat(parts.next().orElseThrow().body().readAllBytes()).isEmpty();
        assertThat(parts.next()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\1',
            value = {
                "form-data; name=\"file\"; filename=\"a b.txt\"|a b.txt",
                "form-data; name=file; filename=plain|plain",
                "form-data; filename=\"a\\\"b\\\\c\"|a\"b\\c",
                "form-data; filename=\"C:\\dir\\f\"|C:\\dir\\f",
                "form-data; filename=\"semi;colon=x\"; name=file|semi;colon=x",
                "form-data; filename=\"x\"; filename*=utf-8''%e4%b8%ad+%26|中+&",
                "form-data; filename*=latin9''x; filename=y|y",
                "form-data; filename=\"unclosed|unclosed"
            })
    void file_names_are_read_with_their_quoting(String field, String fileName) {
        assertThat(ContentDisposition.parse(field).parameter("filename")).hasValue(fileName);
    }

    private static byte[] content(Random random) {
        int size = switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> random.nextInt(40);
            case 2 -> random.nextInt(2000);
            default -> random.nextInt(200_000);
        };
        String pieces = "\r\n--" + BOUNDARY;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        while (out.size() < size) {
            if (random.nextInt(3) == 0) {
                String almost = pieces.substring(0, random.nextInt(pieces.length() + 1)) + "!";
                out.writeBytes(almost.getBytes(StandardCharsets.ISO_8859_1));
            } else {
                byte[] noise = new byte[random.nextInt(1000)];
                random.nextBytes(noise);
                out.writeBytes(noise);
            }
        }
        return out.toByteArray();
    }

    private static byte[] write(List<Expected> parts, Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (random.nextInt(4) == 0) {
            text(out, "preamble\r\n");
        }
        for (Expected part : parts) {
            text(out, "--" + BOUNDARY + " ".repeat(random.nextInt(3)) + "\r\n");
            text(out, "Content-Disposition: form-data; name=\"file\"; filename=\"" + part.fileName + "\"\r\n");
            text(out, random.nextBoolean() ? "Content-Type: text/plain\r\n\r\n" : "\r\n");
            out.writeBytes(part.content);
            text(out, "\r\n");
        }
        text(out, "--" + BOUNDARY + "--" + (random.nextBoolean() ? "\r\n" : ""));
        return out.toByteArray();
    }

    private static List<Expected> read(InputStream body, Random random) throws IOException {
        Multipart parts = new Multipart(body, BOUNDARY);
        List<Expected> out = new ArrayList<>();
        for (Optional<Multipart.Part> part = parts.next(); part.isPresent(); part = parts.next()) {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            byte[] some = new byte[1 + random.nextInt(70_000)];
            int count = part.get().body().read(some);
            while (count >= 0) {
                content.write(some, 0, count);
                count = part.get().body().read(some);
            }
            out.add(new Expected(part.get().disposition().parameter("filename").orElse(""), content.toByteArray()));
        }
        return out;
    }

    private static InputStream stream(String body) {
        return new ByteArrayInputStream(body.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void text(ByteArrayOutputStream out, String text) {
        out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Gives out its bytes in pieces of any size, as a network does. */
    private static final class Dripping extends InputStream {
        private final InputStream in;
        private final Random random;
        private final int largest;

        Dripping(byte[] bytes, Random random) {
            this.in = new ByteArrayInputStream(bytes);
            this.random = random;
            this.largest = random.nextBoolean() ? 50 : 100_000;
        }

        @Override
        public int read() throws IOException {
            return in.read();
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            return in.read(into, offset, Math.min(length, 1 + random.nextInt(largest)));
        }
    }
}

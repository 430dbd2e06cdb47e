package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ConnectRouter;
import dev.sandlot.protocol.ConnectService;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.process.ListResponse;
import dev.sandlot.protocol.process.StartRequest;
import dev.sandlot.protocol.process.StartResponse;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Feeds what strangers send to the code that reads it first. Each target has seeds in {@code fuzz/TARGET}, one a
 * line, with {@code \n}, {@code \r}, {@code \0} and {@code \xHH} for bytes; what once failed is added there. {@code -Dfuzz.minutes}
 * is shared by the targets; a failure names the round's seed, which {@code -Dfuzz.seed} repeats first.
 */
@InProcessOnly("the parsers by themselves, many times over")
class FuzzTest {
    private static final Set<Integer> DOWNLOAD_STATUSES = Set.of(200, 206, 304, 400, 404, 412, 416, 500);
    private static final String TOKEN = "the-token";

    @TempDir
    static Path base;

    enum Target {
        ENVELOPE,
        MULTIPART,
        PATH,
        SIGNATURE
    }

    private final ConnectRouter router = new ConnectRouter(new ConnectService("t.T")
            .unary("Unary", StartRequest.getDefaultInstance(), (call, request) -> ListResponse.getDefaultInstance())
            .serverStream("Stream", StartRequest.getDefaultInstance(), (call, request, out) -> {
                out.send(StartResponse.getDefaultInstance());
            })
            .clientStream("Input", StartRequest.getDefaultInstance(), (call, in) -> {
                while (in.next().isPresent()) {}
                return ListResponse.getDefaultInstance();
            }));

    @ParameterizedTest
    @EnumSource
    void the_seeds_break_nothing(Target target) throws Exception {
        try (FilesFixture sandbox = sandbox()) {
            for (byte[] seed : seeds(target)) {
                attempt(target, seed, new Random(1), sandbox);
            }
        }
    }

    @Tag("fuzz")
    @ParameterizedTest
    @EnumSource
    void nothing_breaks_for_a_time(Target target) throws Exception {
        Duration time = Duration.ofSeconds(
                Long.parseLong(System.getProperty("fuzz.minutes", "1")) * 60 / Target.values().length);
        long end = System.nanoTime() + time.toNanos();
        List<byte[]> seeds = seeds(target);
        long rounds = 0;
        try (FilesFixture sandbox = sandbox()) {
            long seed = Long.getLong("fuzz.seed", System.nanoTime());
            for (; System.nanoTime() < end; seed++, rounds++) {
                round(target, seeds, seed, sandbox);
            }
        }
        System.out.printf("fuzz %s: %d rounds in %d s%n", target, rounds, time.toSeconds());
        assertThat(rounds).isPositive();
    }

    @Test
    void every_target_has_seeds() {
        for (Target target : Target.values()) {
            assertThat(seeds(target)).hasSizeGreaterThan(3);
        }
    }

    private void round(Target target, List<byte[]> seeds, long seed, FilesFixture sandbox) {
        Random random = new Random(seed);
        byte[] input = mutated(seeds, random);
        try {
            attempt(target, input, random, sandbox);
        } catch (Exception | AssertionError e) {
            throw new AssertionError(
                    "target " + target + ", seed " + seed + ", input "
                            + HexFormat.of().formatHex(input),
                    e);
        }
    }

    private void attempt(Target target, byte[] input, Random random, FilesFixture sandbox) throws Exception {
        switch (target) {
            case ENVELOPE -> envelope(input, random);
            case MULTIPART -> multipart(input, random);
            case PATH -> path(input, sandbox);
            case SIGNATURE -> signature(input, random);
        }
    }

    /** Any bytes get an answer of the protocol, never an internal error. */
    private void envelope(byte[] input, Random random) throws IOException {
        String method = List.of("Unary", "Stream", "Input").get(random.nextInt(3));
        String type = (method.equals("Unary") ? "application/" : "application/connect+")
                + (random.nextBoolean() ? "json" : "proto");
        MemoryExchange exchange =
                MemoryExchange.of("POST", "/t.T/" + method, input).header("Content-Type", type);
        if (random.nextInt(3) == 0) {
            exchange.header(method.equals("Unary") ? "Content-Encoding" : "Connect-Content-Encoding", "gzip");
        }
        router.serve(exchange);
        byte[] answer = exchange.responseBody().readAllBytes();
        assertThat(exchange.status()).isIn(200, 400, 429, 501);
        assertThat(new String(answer, StandardCharsets.UTF_8)).doesNotContain("internal error");
        if (!method.equals("Unary")) {
            assertThat(exchange.status()).isEqualTo(200);
            assertOneEnd(answer);
        }
    }

    private static void assertOneEnd(byte[] answer) throws IOException {
        DataInputStream frames = new DataInputStream(new ByteArrayInputStream(answer));
        int flags;
        do {
            flags = frames.readUnsignedByte();
            frames.skipNBytes(frames.readInt());
        } while (flags == 0);
        assertThat(flags).isEqualTo(2);
        assertThat(frames.read()).isEqualTo(-1);
    }

    /** A body is read to its end or refused, and gives out no more than it holds. */
    private static void multipart(byte[] input, Random random) throws IOException {
        try {
            Multipart parts = new Multipart(new ByteArrayInputStream(input), "b");
            long content = 0;
            for (Optional<Multipart.Part> part = parts.next(); part.isPresent(); part = parts.next()) {
                part.get().formName();
                part.get().disposition().parameter("filename");
                if (random.nextBoolean()) {
                    content += part.get().body().readAllBytes().length;
                }
            }
            assertThat(content).isLessThanOrEqualTo(input.length);
        } catch (Multipart.Malformed e) {
            assertThat(e).hasMessageContaining("multipart");
        }
    }

    /** A path and a range lead to a part of a file inside, or to an error that is foreseen. */
    private static void path(byte[] input, FilesFixture sandbox) throws Exception {
        String text = new String(input, StandardCharsets.ISO_8859_1);
        int bar = text.indexOf('|');
        String path = bar < 0 ? text : text.substring(0, bar);
        String range = bar < 0 ? "bytes=0-" : text.substring(bar + 1).replaceAll("[^\\x20-\\x7e]", "");
        String clean = PathRules.clean("/" + path);
        assertThat(PathRules.clean(clean)).isEqualTo(clean);
        assertThat("/" + clean + "/").doesNotContain("/../").doesNotContain("/./");
        assertRanges(range);
        Answer answer = sandbox.download(FilesFixture.get(path).header("Range", range));
        assertThat(answer.status()).isIn(DOWNLOAD_STATUSES);
        assertThat(answer.text()).doesNotContain("outside the root");
    }

    private static void assertRanges(String field) {
        for (long size : new long[] {0, 1, 26, Long.MAX_VALUE}) {
            try {
                long total = 0;
                for (ByteRanges.Range range : ByteRanges.parse(field, size).ranges()) {
                    assertThat(range.start()).isBetween(0L, size - 1);
                    assertThat(range.length()).isBetween(1L, size - range.start());
                    total += range.length();
                }
                assertThat(total).isBetween(0L, size);
            } catch (ByteRanges.Unsatisfiable e) {
                assertThat(e).hasMessageContaining("invalid range");
            }
        }
    }

    /** Nothing but the right signature, in time, lets anybody pass. */
    private static void signature(byte[] input, Random random) {
        String raw = new String(input, StandardCharsets.ISO_8859_1);
        FileSignatures check = new FileSignatures(InstantSource.fixed(FilesFixture.NOW));
        FileSignatures.Operation operation = FileSignatures.Operation.values()[random.nextInt(2)];
        try {
            Query query = Query.parse(raw);
            Optional<Long> expiration = query.integer("signature_expiration");
            String right =
                    FileSignatures.sign(TOKEN, operation, query.text("path"), query.text("username"), expiration);
            boolean fits = query.text("signature").equals(right)
                    && expiration.orElse(Long.MAX_VALUE) >= FilesFixture.NOW.getEpochSecond();
            assertThat(passes(check, operation, query)).isEqualTo(fits);
            Query signed = Query.parse(
                    raw.replaceAll("(^|&)signature=[^&]*", "$1") + "&signature=" + FilesFixture.encode(right));
            assertThat(passes(check, operation, signed))
                    .isEqualTo(expiration.orElse(Long.MAX_VALUE) >= FilesFixture.NOW.getEpochSecond()
                            && signed.text("signature").equals(right));
        } catch (Query.Malformed e) {
            assertThat(e.line()).startsWith("Invalid");
        }
    }

    private static boolean passes(FileSignatures check, FileSignatures.Operation operation, Query query)
            throws Query.Malformed {
        try {
            check.check(TOKEN, operation, new Headers(), query);
            return true;
        } catch (RestException e) {
            return false;
        }
    }

    private static byte[] mutated(List<byte[]> seeds, Random random) {
        byte[] bytes = seeds.get(random.nextInt(seeds.size())).clone();
        for (int i = random.nextInt(6); i > 0; i--) {
            byte[] other = seeds.get(random.nextInt(seeds.size()));
            int at = random.nextInt(bytes.length + 1);
            int from = random.nextInt(other.length + 1);
            int count = random.nextInt(other.length - from + 1);
            bytes = switch (random.nextInt(5)) {
                case 0 -> spliced(bytes, at, 0, other, from, count);
                case 1 -> spliced(bytes, at, Math.min(count, bytes.length - at), other, from, count);
                case 2 -> spliced(bytes, at, random.nextInt(bytes.length - at + 1), other, 0, 0);
                case 3 ->
                    spliced(bytes, at, Math.min(1, bytes.length - at), new byte[] {(byte) random.nextInt()}, 0, 1);
                default -> spliced(bytes, at, 0, bytes, 0, bytes.length > 4096 ? 0 : at);
            };
        }
        return bytes;
    }

    private static byte[] spliced(byte[] into, int at, int removed, byte[] other, int from, int count) {
        byte[] out = new byte[into.length - removed + count];
        System.arraycopy(into, 0, out, 0, at);
        System.arraycopy(other, from, out, at, count);
        System.arraycopy(into, at + removed, out, at + count, into.length - at - removed);
        return out;
    }

    private static FilesFixture sandbox() throws IOException {
        Path root = Files.createDirectories(base.resolve("root"));
        Files.writeString(base.resolve("secret"), "outside the root");
        FilesFixture sandbox = new FilesFixture(root);
        Files.writeString(sandbox.at("/home/user/a.txt"), "abcdefghijklmnopqrstuvwxyz");
        Path link = sandbox.at("/home/user/link");
        if (Files.notExists(link, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            Files.createSymbolicLink(link, Path.of("../../../secret"));
        }
        return sandbox;
    }

    private static List<byte[]> seeds(Target target) {
        String name = "/fuzz/" + target.name().toLowerCase(java.util.Locale.ROOT);
        try (var in = FuzzTest.class.getResourceAsStream(name)) {
            List<byte[]> seeds = new ArrayList<>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.ISO_8859_1).split("\n")) {
                seeds.add(bytes(line));
            }
            return seeds;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] bytes(String line) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < line.length(); i++) {
            if (line.charAt(i) != '\\') {
                out.append(line.charAt(i));
                continue;
            }
            char kind = line.charAt(++i);
            switch (kind) {
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case '0' -> out.append('\0');
                case 'x' -> {
                    out.append((char) Integer.parseInt(line.substring(i + 1, i + 3), 16));
                    i += 2;
                }
                default -> out.append(kind);
            }
        }
        return out.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}

package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.MemoryExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code /init} writes into the sandbox: certificates and the address of events (envd.md 8.2, 8.5). */
class InitFilesTest {
    private static final String FIRST = "-----BEGIN CERTIFICATE-----\nfirst\n-----END CERTIFICATE-----\n";
    private static final String SECOND = "-----BEGIN CERTIFICATE-----\nsecond\n-----END CERTIFICATE-----\n";
    private static final String OWN = "-----BEGIN CERTIFICATE-----\nown\n-----END CERTIFICATE-----\n";

    private FilesFixture sandbox;

    @BeforeEach
    void open(@TempDir Path root) throws IOException {
        sandbox = new FilesFixture(root);
        Files.writeString(sandbox.at("/etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
        Files.createDirectories(sandbox.at("/etc/ssl/certs"));
        Files.writeString(bundle(), OWN);
        sandbox.defaultUser = "root";
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @Test
    void R26_certificates_are_added_to_the_bundle_and_kept() throws Exception {
        assertThat(install(FIRST.strip() + "\n\n").status()).isEqualTo(204);
        assertThat(bundle()).hasContent(OWN + FIRST);
        assertThat(kept()).hasContent(FIRST);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(bundle())))
                .isEqualTo("rw-r--r--");
        try (var left = Files.list(bundle().getParent())) {
            assertThat(left).containsExactly(bundle());
        }
    }

    @Test
    void R26_the_same_certificates_again_touch_nothing() throws Exception {
        install(FIRST);
        Object inode = Files.getAttribute(bundle(), "unix:ino");
        Files.delete(kept());
        assertThat(install(FIRST).status()).isEqualTo(204);
        assertThat(Files.getAttribute(bundle(), "unix:ino")).isEqualTo(inode);
        assertThat(kept()).doesNotExist();
    }

    @Test
    void R26_other_certificates_take_the_place_of_the_earlier() throws Exception {
        install(FIRST);
        Files.writeString(bundle(), OWN + FIRST + OWN);
        install(SECOND);
        assertThat(bundle()).hasContent(OWN + OWN + SECOND);
        assertThat(kept()).hasContent(SECOND);
    }

    @Test
    void R26_no_certificates_change_nothing() throws Exception {
        install(FIRST);
        assertThat(install("").status()).isEqualTo(204);
        assertThat(call("{}").status()).isEqualTo(204);
        assertThat(bundle()).hasContent(OWN + FIRST);
    }

    @Test
    void R26_a_program_that_starts_anew_knows_what_was_added() throws Exception {
        install(FIRST);
        sandbox.envd().restart();
        install(FIRST);
        assertThat(bundle()).hasContent(OWN + FIRST);
        sandbox.envd().restart();
        install(SECOND);
        assertThat(bundle()).hasContent(OWN + SECOND);
    }

    @Test
    void R26_a_bundle_made_anew_from_what_is_kept_gets_them_once() throws Exception {
        install(FIRST);
        Files.writeString(bundle(), FIRST + OWN);
        sandbox.envd().restart();
        install(FIRST);
        assertThat(bundle()).hasContent(OWN + FIRST);
    }

    @Test
    void R26_installs_at_once_leave_one_of_them_whole() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        var threads = IntStream.range(0, 16)
                .mapToObj(i -> Thread.startVirtualThread(() -> {
                    try {
                        begun.await();
                        install(i % 2 == 0 ? FIRST : SECOND);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }))
                .toList();
        begun.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(Files.readString(bundle())).isIn(OWN + FIRST, OWN + SECOND);
        assertThat(OWN + Files.readString(kept())).isEqualTo(Files.readString(bundle()));
    }

    @Test
    void R26_a_bundle_that_cannot_be_written_is_told_and_can_be_tried_again() throws Exception {
        Files.delete(bundle());
        Files.createDirectory(bundle());
        Answer refused = call("{\"caBundle\":\"x\",\"timestamp\":\"2026-01-01T00:00:01Z\"}");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.text()).startsWith("certificates could not be installed");
        Files.delete(bundle());
        assertThat(call("{\"caBundle\":\"x\",\"timestamp\":\"2026-01-01T00:00:01Z\"}")
                        .status())
                .isEqualTo(204);
        assertThat(bundle()).hasContent("x\n");
    }

    @Test
    void R26_a_linked_bundle_stays_a_link_and_nothing_outside_is_touched() throws Exception {
        Path outside = Files.writeString(sandbox.root.resolveSibling(sandbox.root.getFileName() + ".out"), "out");
        Files.createDirectories(sandbox.at("/etc/pki"));
        Files.move(bundle(), sandbox.at("/etc/pki/all.pem"));
        Files.createSymbolicLink(bundle(), Path.of("/etc/pki/all.pem"));
        Files.createDirectories(kept().getParent());
        Files.createSymbolicLink(kept(), outside);
        install(FIRST);
        assertThat(Files.isSymbolicLink(bundle())).isTrue();
        assertThat(sandbox.at("/etc/pki/all.pem")).hasContent(OWN + FIRST);
        assertThat(outside).hasContent("out");
        Files.delete(outside);
    }

    @InProcessOnly("asks for what one class says")
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'127.0.0.1 localhost\n'                        | '127.0.0.1 localhost\n'",
                "'127.0.0.1 localhost'                          | '127.0.0.1 localhost\n'",
                "''                                             | ''",
                "'\n# note\n\n::1 a b # c\n\n'                  | '\n# note\n\n::1 a b # c\n\n'",
                "'10.0.0.1 events.e2b.local\n1.2.3.4 x\n'       | '1.2.3.4 x\n'",
                "'10.0.0.1 y events.e2b.local z # kept\n'       | '10.0.0.1 y z # kept\n'",
                "'# 1.1.1.1 events.e2b.local\n'                 | '# 1.1.1.1 events.e2b.local\n'",
            })
    void R23_the_hosts_keep_all_but_the_one_name(String before, String rest) {
        String after = EventsHost.rewritten(before, "192.0.2.1");
        assertThat(after).isEqualTo(rest + "192.0.2.1\tevents.e2b.local\n");
        assertThat(EventsHost.rewritten(after, "192.0.2.1")).isEqualTo(after);
    }

    @Test
    void R23_init_writes_the_hosts() throws Exception {
        Files.writeString(sandbox.at("/etc/hosts"), "127.0.0.1 localhost\n# mine");
        assertThat(call("{\"hyperloopIP\":\"192.0.2.1\"}").status()).isEqualTo(204);
        assertThat(call("{\"hyperloopIP\":\"192.0.2.9\"}").status()).isEqualTo(204);
        assertThat(sandbox.at("/etc/hosts")).hasContent("127.0.0.1 localhost\n# mine\n192.0.2.9\tevents.e2b.local\n");
        assertThat(call("{\"hyperloopIP\":\"1.1.1.1 evil\\n\"}").status()).isEqualTo(400);
    }

    @InProcessOnly("asks for what one class says")
    @ParameterizedTest
    @CsvSource({"-51, true", "-50, false", "0, false", "5000, false", "5001, true"})
    void R24_a_clock_is_off_when_50_ms_behind_or_5_s_ahead(long millisAhead, boolean off) {
        Instant controlPlane = Instant.ofEpochSecond(1_800_000_000L);
        assertThat(ClockDrift.tooLarge(controlPlane.plusMillis(millisAhead), controlPlane))
                .isEqualTo(off);
    }

    private Answer install(String pem) {
        return call("{\"caBundle\":" + TestSandbox.quote(pem) + "}");
    }

    private Answer call(String json) {
        return sandbox.send(MemoryExchange.of("POST", "/init", json.getBytes(StandardCharsets.UTF_8)));
    }

    private Path bundle() {
        return sandbox.at("/etc/ssl/certs/ca-certificates.crt");
    }

    private Path kept() {
        return sandbox.at("/usr/local/share/ca-certificates/e2b-ca.crt");
    }
}

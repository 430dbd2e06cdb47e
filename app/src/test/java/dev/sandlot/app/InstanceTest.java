package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceTest {
    @TempDir
    private Path directory;

    private Instance instance;

    @BeforeEach
    void prepare() throws SettingsException {
        instance = new Instance(new SettingsLoader(
                        Map.of("SANDLOT_RUN_DIR", directory.resolve("run").toString()), Map.of())
                .load(directory.resolve("data"), null)
                .settings());
    }

    @Test
    void onlyOneServerCanHaveADataDirectory() throws Exception {
        assertThat(instance.isClaimed()).isFalse();
        try (Instance.Claim claim = instance.claim().orElseThrow()) {
            assertThat(claim.lock().isValid()).isTrue();
            assertThat(instance.claim()).isEmpty();
            assertThat(instance.isClaimed()).isTrue();
        }
        assertThat(instance.isClaimed()).isFalse();
    }

    @Test
    void aServerServesOnlyWhileItsOwnProcessLives() throws Exception {
        try (Instance.Claim claim = instance.claim().orElseThrow();
                TestServer server = new TestServer(null)) {
            instance.announce(server, "1");
            assertThat(instance.serving().orElseThrow().process()).isEqualTo(ProcessIdentity.current());

            Path file = directory.resolve("run/server.json");
            Files.writeString(file, Files.readString(file).replaceFirst("\"startTicks\":\\d+", "\"startTicks\":1"));
            assertThat(instance.serving()).isEmpty();
            assertThat(claim.lock().isValid()).isTrue();
        }
    }

    /** There may be no room to write it again. */
    @Test
    void whatClientsNeedIsLeftAloneWhenItIsTheSame() throws Exception {
        try (Instance.Claim claim = instance.claim().orElseThrow();
                TestServer server = new TestServer(null)) {
            instance.announce(server, "1");
            Object before = Files.getAttribute(directory.resolve("data/access.json"), "unix:ino");
            instance.announce(server, "1");
            assertThat(Files.getAttribute(directory.resolve("data/access.json"), "unix:ino"))
                    .isEqualTo(before);
            assertThat(claim.lock().isValid()).isTrue();
        }
    }

    @Test
    void theKeyOutlivesTheServerAndIsForItsOwnerAlone() throws Exception {
        try (Instance.Claim claim = instance.claim().orElseThrow();
                TestServer server = new TestServer(null)) {
            instance.announce(server, "1");
            assertThat(claim.lock().isValid()).isTrue();
        }
        instance.withdraw();

        assertThat(instance.access().orElseThrow().apiKey()).isEqualTo(TestServer.KEY);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("data/access.json"))))
                .isEqualTo("rw-------");
    }

    @Test
    void theWishToEndSandboxesHoldsForTheNamedProcessOnly() throws Exception {
        try (Instance.Claim claim = instance.claim().orElseThrow()) {
            assertThat(claim.lock().isValid()).isTrue();
            ProcessIdentity own = ProcessIdentity.current();
            instance.requestEndOfSandboxes(new ProcessIdentity(own.pid(), own.startTicks() + 1, own.bootId()));
            assertThat(instance.endOfSandboxesRequested()).isFalse();
            instance.requestEndOfSandboxes(own);
            assertThat(instance.endOfSandboxesRequested()).isTrue();
        }
    }

    @Test
    void anEndedProcessIsNotAlive() throws Exception {
        Process process = new ProcessBuilder("sleep", "60").start();
        ProcessIdentity identity = ProcessIdentity.of(process.pid()).orElseThrow();
        assertThat(identity.isAlive()).isTrue();
        assertThat(identity.bootId()).hasSize(36);

        process.destroyForcibly().waitFor();

        assertThat(identity.isAlive()).isFalse();
    }
}

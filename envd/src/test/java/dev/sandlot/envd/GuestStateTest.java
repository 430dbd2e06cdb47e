package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest's envd keeps for its next start. */
@InProcessOnly("the file of the state alone")
class GuestStateTest {
    private static final EnvdSettings.State STATE =
            new EnvdSettings.State(Map.of("E2B_SANDBOX", "true"), Map.of("A", "ä\n\"b\""), "secret", "user", "/work");

    @TempDir
    Path directory;

    @BeforeEach
    void supervisor() throws IOException {
        Files.createFile(socket());
    }

    @Test
    void a_state_comes_back_as_it_was() throws Exception {
        assertThat(kept().load()).isEmpty();
        kept().save(STATE);
        assertThat(kept().load()).contains(STATE);
        EnvdSettings.State open = new EnvdSettings.State(Map.of(), Map.of(), null, "", "");
        kept().save(open);
        assertThat(kept().load()).contains(open);
    }

    @Test
    void only_its_owner_may_read_it() throws Exception {
        Files.createFile(directory.resolve("settings.json.new"));
        kept().save(STATE);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
                .isEqualTo("rw-------");
        try (var left = Files.list(directory)) {
            assertThat(left).containsExactlyInAnyOrder(file(), socket());
        }
    }

    @Test
    void a_new_supervisor_is_a_new_guest() throws Exception {
        kept().save(STATE);
        Path next = Files.createFile(directory.resolve("next"));
        Files.move(next, socket(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertThat(kept().load()).isEmpty();
    }

    @Test
    void a_broken_file_is_told_and_not_taken_for_an_open_sandbox() throws Exception {
        Files.writeString(file(), "{\"token\":");
        assertThatThrownBy(() -> kept().load()).isInstanceOf(IOException.class).hasMessageContaining(file().toString());
    }

    @Test
    void what_cannot_be_kept_does_not_count() throws Exception {
        EnvdSettings settings = new EnvdSettings("", STATE, kept()::save);
        Files.createDirectories(directory.resolve("settings.json.new/full"));
        EnvdSettings.State next = new EnvdSettings.State(Map.of(), Map.of(), "other", "", "");
        assertThatThrownBy(() -> settings.replace(next)).isInstanceOf(java.io.UncheckedIOException.class);
        assertThat(settings.state()).isEqualTo(STATE);
    }

    private GuestState kept() throws IOException {
        return new GuestState(file(), socket());
    }

    private Path file() {
        return directory.resolve("settings.json");
    }

    private Path socket() {
        return directory.resolve("socket");
    }
}

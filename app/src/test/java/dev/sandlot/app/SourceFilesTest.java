package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.images.FileArchive;
import dev.sandlot.images.UnpackLimits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a COPY step of a Dockerfile sends (template-build.md 6, 18.2). */
class SourceFilesTest {
    @TempDir
    Path context;

    @BeforeEach
    void files() throws IOException {
        Files.createDirectories(context.resolve("src/deep"));
        Files.writeString(context.resolve("src/a.txt"), "a");
        Files.writeString(context.resolve("src/deep/käse.txt"), "deep");
        Files.createSymbolicLink(context.resolve("src/link"), Path.of("../outside"));
        Files.writeString(context.resolve("debug.log"), "log");
        Files.writeString(context.resolve("keep.log"), "keep");
    }

    private SourceFiles find(String source, String... ignored) throws IOException {
        return SourceFiles.find(context, source, IgnoreRules.parse(List.of(ignored)));
    }

    private static byte[] pack(SourceFiles files) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        files.pack(out);
        return out.toByteArray();
    }

    private static Map<String, FileArchive.Kind> entries(SourceFiles files) throws IOException {
        Map<String, FileArchive.Kind> found = new TreeMap<>();
        try (FileArchive archive =
                FileArchive.open(new ByteArrayInputStream(pack(files)), new UnpackLimits(100, 1000, 1 << 20))) {
            for (Optional<FileArchive.Entry> next = archive.next(); next.isPresent(); next = archive.next()) {
                found.put(next.get().path(), next.get().kind());
            }
        }
        return found;
    }

    @Test
    void aDirectoryIsSentWithAllThatIsInIt() throws IOException {
        assertThat(entries(find("src/")).keySet()).hasSize(5).contains("src", "src/a.txt", "src/deep", "src/link");
        assertThat(entries(find("src")).get("src/link")).isEqualTo(FileArchive.Kind.SYMLINK);
        assertThat(entries(find("./src/deep/..")).keySet()).hasSize(5);
        assertThat(entries(find("/src/a.txt")).keySet()).containsExactly("src/a.txt");
        assertThat(entries(find(".")).keySet()).hasSize(7);
        assertThat(find(".").source()).isEqualTo(".");
    }

    @Test
    void patternsMeanWhatTheyMatch() throws IOException {
        assertThat(entries(find("*.log")).keySet()).containsExactly("debug.log", "keep.log");
        assertThat(entries(find("src/*.txt")).keySet()).containsExactly("src/a.txt");
        assertThat(entries(find("[!k]*.log")).keySet()).containsExactly("debug.log");
        assertThat(entries(find("**/*.txt")).keySet()).hasSize(2);
    }

    @Test
    void whatTheRulesLeaveOutIsNotSent() throws IOException {
        assertThat(entries(find(".", "**/*.log", "!keep.log", "# src")).keySet())
                .contains("keep.log")
                .doesNotContain("debug.log");
        assertThat(entries(find(".", "src")).keySet()).containsExactlyInAnyOrder("debug.log", "keep.log");
        assertThat(entries(find(".", "src", "!src/deep")).keySet())
                .contains("src/deep")
                .doesNotContain("src/a.txt");
    }

    @Test
    void whatIsNotThereOrNotBelowIsRefused() {
        for (String source : List.of("nothing", "../x", "src/../../x")) {
            assertThatThrownBy(() -> find(source)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> find("debug.log", "*.log")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theSameFilesAlwaysGiveTheSameBytesAndHash() throws IOException {
        assertThat(pack(find("src"))).isEqualTo(pack(find("src")));
        String hash = find("src").hash("/x");
        assertThat(hash).matches("[0-9a-f]{64}").isEqualTo(find("./src/").hash("/x"));
        assertThat(find("src").hash("/y")).isNotEqualTo(hash);
        Files.setPosixFilePermissions(context.resolve("src/a.txt"), PosixFilePermissions.fromString("rwx------"));
        String withMode = find("src").hash("/x");
        assertThat(withMode).isNotEqualTo(hash);
        Files.writeString(context.resolve("src/a.txt"), "b");
        assertThat(find("src").hash("/x")).isNotEqualTo(withMode);
    }
}

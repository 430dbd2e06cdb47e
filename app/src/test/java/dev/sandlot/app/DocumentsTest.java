package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The documents name what the program has. */
class DocumentsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @ParameterizedTest
    @EnumSource(Setting.class)
    void everySettingStandsInTheManualWithItsDefault(Setting setting) throws IOException {
        String row = Files.readAllLines(ROOT.resolve("docs/cli.md")).stream()
                .filter(line -> line.startsWith("| `" + setting.key() + "` |"))
                .findFirst()
                .orElse("");

        assertThat(row).isNotEmpty();
        assertThat(setting.aliases()).allSatisfy(alias -> assertThat(row).contains(alias));
        if (setting != Setting.RUN_DIR && !setting.defaultText().isEmpty()) {
            assertThat(row).contains("| `" + setting.defaultText() + "` |");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"up", "env", "status", "down", "doctor", "config", "migrate", "purge", "test", "bench", "version"
            })
    void everyCommandStandsInTheManual(String command) throws IOException {
        assertThat(Files.readString(ROOT.resolve("docs/cli.md"))).contains("\n| `" + command + "` |");
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    void everyLinkToAFileLeadsSomewhere(String document) throws IOException {
        Pattern.compile("]\\(([^):]+)\\)")
                .matcher(Files.readString(ROOT.resolve(document)))
                .results()
                .forEach(link -> assertThat(ROOT.resolve(link.group(1))).exists());
    }
}

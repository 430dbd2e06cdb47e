package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileNamesTest {
    @ParameterizedTest
    @ValueSource(strings = {"plain", "ä", "中文", "😀 mixed é", "\uFFFD"})
    void text_stays_text(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        assertThat(FileNames.decode(bytes)).isEqualTo(name);
        assertThat(FileNames.encode(name)).isEqualTo(bytes);
        assertThat(FileNames.printable(name)).isEqualTo(name);
    }

    @Test
    void any_bytes_come_back_as_they_were() {
        Random random = new Random(5);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(12)];
            random.nextBytes(bytes);
            String name = FileNames.decode(bytes);
            assertThat(FileNames.encode(name)).isEqualTo(bytes);
            String shown = FileNames.printable(name);
            assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(shown)).isTrue();
        }
    }

    @Test
    void lone_surrogates_that_no_decoder_makes_do_not_pass() {
        assertThat(FileNames.encode("\uD800x")).isEqualTo(new byte[] {'?', 'x'});
        assertThat(FileNames.encode("\uDC41")).isEqualTo(new byte[] {'?'});
    }
}

package dev.sandlot.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTextTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":[1,-2.50,true,null,\"grüße\\n\"],\"b\":{\"c\":{}}}",
                "[]",
                "\"\\u0000\\\"\\\\\"",
                "null",
                "18446744073709551615"
            })
    void whatIsReadIsWrittenTheSame(String text) throws Exception {
        assertThat(JsonText.of(JsonText.parse(bytes(text)))).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "{\"a\":1}}",
                "{} {}",
                "{a:1}",
                "{'a':1}",
                "[1,]",
                "[1;2]",
                "TRUE",
                "NaN",
                "01",
                "// no\n{}",
                "\"line\nbreak\"",
                ")]}'\n{}"
            })
    void whatIsNotJsonIsRefused(String text) {
        assertThatThrownBy(() -> JsonText.parse(bytes(text))).isInstanceOf(JsonText.Malformed.class);
    }

    @Test
    void deepNestingIsRefusedBeforeTheStackEnds() {
        assertThatThrownBy(() -> JsonText.parse(bytes("[".repeat(1_000_000))))
                .isInstanceOf(JsonText.Malformed.class)
                .hasMessageContaining("limit");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

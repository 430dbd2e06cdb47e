package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutputLinesTest {
    private final List<String> told = new ArrayList<>();
    private final OutputLines lines = new OutputLines(told::add);

    private void add(String text) {
        lines.add(ByteString.copyFromUtf8(text));
    }

    @Test
    void aLineMayComeInPieces() {
        add("on");
        add("e\ntwo\r\n\nth");
        add("ree");
        assertThat(told).containsExactly("one", "two", "");
        lines.finish();
        assertThat(told).containsExactly("one", "two", "", "three");
    }

    @Test
    void aCharacterMayComeInPiecesToo() {
        ByteString euro = ByteString.copyFromUtf8("€\n");
        lines.add(euro.substring(0, 1));
        lines.add(euro.substring(1));
        assertThat(told).containsExactly("€");
    }

    @Test
    void aLineWithoutEndIsToldInPieces() {
        add("x".repeat(3 * OutputLines.MAX_LINE_BYTES + 1));
        assertThat(told).hasSize(3).allMatch(piece -> piece.length() == OutputLines.MAX_LINE_BYTES);
        lines.finish();
        assertThat(told.getLast()).isEqualTo("x");
    }
}

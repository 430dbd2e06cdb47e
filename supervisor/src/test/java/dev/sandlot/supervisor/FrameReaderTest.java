package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameReaderTest {
    private final List<String> frames = new ArrayList<>();
    private final FrameReader reader =
            new FrameReader((type, number, payload) -> frames.add(type + "/" + number + "/" + payload.remaining()));

    @Test
    void framesMayArriveInAnyPieces() throws IOException {
        byte[] bytes = new byte[0];
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            byte[] frame = Wire.frame(i, -i, new byte[i * 7]).array();
            bytes = Arrays.copyOf(bytes, bytes.length + frame.length);
            System.arraycopy(frame, 0, bytes, bytes.length - frame.length, frame.length);
            expected.add(i + "/" + -i + "/" + i * 7);
        }
        Random random = new Random(3);
        for (int at = 0; at < bytes.length; ) {
            int length = Math.min(bytes.length - at, 1 + random.nextInt(300));
            reader.add(ByteBuffer.wrap(bytes, at, length), List.of());
            at += length;
        }
        assertThat(frames).isEqualTo(expected);
    }

    @Test
    void oversizedAndNegativeLengthsAreRefused() {
        for (int length : new int[] {-1, FrameReader.MAX_PAYLOAD_BYTES + 1, Integer.MIN_VALUE}) {
            ByteBuffer frame = ByteBuffer.wrap(Wire.frame(1, 1, new byte[0]).array());
            frame.order(ByteOrder.LITTLE_ENDIAN).putInt(0, length);
            assertThatThrownBy(() -> reader.add(frame, List.of())).isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void descriptorsThatDidNotComeAreMissed() {
        assertThatThrownBy(() -> reader.takeDescriptors(1)).isInstanceOf(ProtocolException.class);
    }
}

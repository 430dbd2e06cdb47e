package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.sandlot.protocol.process.ProcessEvent.DataEvent;
import java.util.Random;
import org.junit.jupiter.api.Test;

@InProcessOnly("the ring alone")
class OutputRingTest {
    @Test
    void the_newest_bytes_are_kept_in_order_and_the_lost_are_counted() {
        Random random = new Random(5);
        OutputRing ring = new OutputRing();
        ByteString all = ByteString.EMPTY;
        for (int i = 0; i < 2_000; i++) {
            byte[] bytes = new byte[random.nextInt(1, 1_000)];
            random.nextBytes(bytes);
            all = all.concat(ByteString.copyFrom(bytes));
            ring.add(
                    DataEvent.newBuilder().setStdout(ByteString.copyFrom(bytes)).build());
        }
        ByteString kept = ByteString.EMPTY;
        for (DataEvent event : ring.events()) {
            kept = kept.concat(event.getStdout());
        }
        assertThat(kept.size()).isBetween(OutputRing.CAPACITY_BYTES - (8 << 10), OutputRing.CAPACITY_BYTES);
        assertThat(kept).isEqualTo(all.substring(all.size() - kept.size()));
        assertThat(ring.lostBytes()).isEqualTo(all.size() - kept.size());
    }

    @Test
    void small_outputs_of_one_stream_become_one_but_streams_stay_apart() {
        OutputRing ring = new OutputRing();
        for (int i = 0; i < 100; i++) {
            ring.add(DataEvent.newBuilder()
                    .setStdout(ByteString.copyFromUtf8("a"))
                    .build());
        }
        ring.add(DataEvent.newBuilder().setStderr(ByteString.copyFromUtf8("b")).build());
        ring.add(DataEvent.newBuilder().setPty(ByteString.copyFromUtf8("c")).build());
        assertThat(ring.events()).hasSize(3);
        assertThat(ring.events().getFirst().getStdout().toStringUtf8()).isEqualTo("a".repeat(100));
        assertThat(ring.lostBytes()).isZero();
    }
}

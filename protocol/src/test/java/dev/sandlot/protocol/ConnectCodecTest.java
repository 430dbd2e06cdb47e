package dev.sandlot.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.FileType;
import dev.sandlot.protocol.process.PTY;
import dev.sandlot.protocol.process.ProcessConfig;
import dev.sandlot.protocol.process.ProcessEvent;
import dev.sandlot.protocol.process.SendSignalRequest;
import dev.sandlot.protocol.process.Signal;
import dev.sandlot.protocol.process.StartRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How messages are written (envd.md 5.7), and that no input brings the reader down. */
class ConnectCodecTest {
    private final BodyBudget.Lease memory = BodyBudget.ofHeap(4).lease("", BodyBudget.TEXT);

    private static final long SEED = 20260820;

    @Test
    void leavesOutZeroesButKeepsWhatIsSet() {
        assertThat(json(ProcessEvent.newBuilder()
                        .setEnd(ProcessEvent.EndEvent.newBuilder()
                                .setExited(true)
                                .setStatus("exit status 0"))
                        .build()))
                .isEqualTo("{\"end\":{\"exited\":true,\"status\":\"exit status 0\"}}");
        assertThat(json(ProcessEvent.EndEvent.newBuilder()
                        .setExitCode(-1)
                        .setError("")
                        .build()))
                .isEqualTo("{\"exitCode\":-1,\"error\":\"\"}");
        assertThat(json(StartRequest.newBuilder().setStdin(false).setTag("").build()))
                .isEqualTo("{\"tag\":\"\",\"stdin\":false}");
    }

    @Test
    void writesBytesLongsEnumsAndTimes() {
        ByteString bytes = ByteString.copyFrom(new byte[] {-1, -2, -3, -4});
        assertThat(json(ProcessEvent.DataEvent.newBuilder().setStdout(bytes).build()))
                .isEqualTo("{\"stdout\":\"//79/A==\"}");
        assertThat(json(EntryInfo.newBuilder()
                        .setName("a")
                        .setType(FileType.FILE_TYPE_DIRECTORY)
                        .setSize(1L << 53)
                        .setMode(0755)
                        .setModifiedTime(Timestamp.newBuilder().setSeconds(1).setNanos(5000000))
                        .putMetadata("k", "<v>")
                        .build()))
                .isEqualTo("{\"name\":\"a\",\"type\":\"FILE_TYPE_DIRECTORY\",\"size\":\"9007199254740992\","
                        + "\"mode\":493,\"modifiedTime\":\"1970-01-01T00:00:01.005Z\","
                        + "\"metadata\":{\"k\":\"\\u003cv\\u003e\"}}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"signal\":\"SIGNAL_SIGKILL\"}",
                "{\"signal\":9}",
                "{\"signal\":9,\"unknown\":{\"deep\":[1,2]}}",
                " { \"signal\" : \"SIGNAL_SIGKILL\" } \n"
            })
    void readsWhatClientsWrite(String text) throws Exception {
        SendSignalRequest request =
                ConnectCodec.JSON.decode(utf8(text), SendSignalRequest.getDefaultInstance(), ConnectJson.PLAIN);
        assertThat(request.getSignal()).isEqualTo(Signal.SIGNAL_SIGKILL);
    }

    @Test
    void readsBothFormsOfNames() throws Exception {
        EntryInfo entry = EntryInfo.getDefaultInstance();
        assertThat(ConnectCodec.JSON.decode(utf8("{\"symlink_target\":\"x\",\"size\":5}"), entry, ConnectJson.PLAIN))
                .isEqualTo(ConnectCodec.JSON.decode(
                        utf8("{\"symlinkTarget\":\"x\",\"size\":\"5\"}"), entry, ConnectJson.PLAIN));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "1",
                "{",
                "{\"process\":1}",
                "{\"process\":{\"cmd\":[]}}",
                "{\"stdin\":\"maybe\"}",
                "{\"pty\":{\"size\":{\"cols\":-1}}}",
                "{\"tag\":\"\\ud800\"",
            })
    void refusesWhatIsNoMessage(String text) {
        try {
            ConnectCodec.JSON.decode(utf8(text), StartRequest.getDefaultInstance(), ConnectJson.PLAIN);
            fail("was read: " + text);
        } catch (ConnectException e) {
            assertThat(e.code()).isEqualTo(ConnectCode.INVALID_ARGUMENT);
        }
    }

    @Test
    void refusesBytesThatAreNoText() {
        byte[] text = utf8("{\"tag\":\"x\"}");
        text[8] = (byte) 0xc0;
        try {
            ConnectCodec.JSON.decode(text, StartRequest.getDefaultInstance(), ConnectJson.PLAIN);
            fail("was read");
        } catch (ConnectException e) {
            assertThat(e.code()).isEqualTo(ConnectCode.INVALID_ARGUMENT);
        }
    }

    @ParameterizedTest
    @EnumSource(ConnectCodec.class)
    void readsBackWhatItWrote(ConnectCodec codec) throws Exception {
        Random random = new Random(SEED);
        for (int i = 0; i < 500; i++) {
            StartRequest request = start(random);
            byte[] frame = ConnectEnvelope.frame(0, codec.encode(request, ConnectJson.PLAIN));
            Optional<ConnectEnvelope> read = ConnectEnvelope.read(new ByteArrayInputStream(frame), 1 << 20, memory);
            assertThat(codec.decode(read.orElseThrow().payload(), request, ConnectJson.PLAIN))
                    .isEqualTo(request);
        }
    }

    @ParameterizedTest
    @EnumSource(ConnectCodec.class)
    void failsInOneWayOnly(ConnectCodec codec) throws IOException {
        Random random = new Random(SEED);
        for (int i = 0; i < 3000; i++) {
            byte[] payload = damaged(codec.encode(start(random), ConnectJson.PLAIN), random);
            try {
                codec.decode(payload, StartRequest.getDefaultInstance(), ConnectJson.PLAIN);
            } catch (ConnectException e) {
                assertThat(e.code()).isEqualTo(ConnectCode.INVALID_ARGUMENT);
            }
            try {
                ConnectCompression.GZIP.unpack(payload, 1 << 16, memory);
            } catch (ConnectException e) {
                assertThat(e.code()).isIn(ConnectCode.INVALID_ARGUMENT, ConnectCode.RESOURCE_EXHAUSTED);
            }
        }
    }

    @Test
    void seesEveryTruncatedFrame() throws Exception {
        byte[] frame = ConnectEnvelope.frame(0, utf8("{\"tag\":\"abc\"}"));
        for (int length = 1; length < frame.length; length++) {
            try {
                ConnectEnvelope.read(new ByteArrayInputStream(frame, 0, length), 1 << 20, memory);
                fail("was read at " + length);
            } catch (ConnectException e) {
                assertThat(e.code()).isEqualTo(ConnectCode.INVALID_ARGUMENT);
            }
        }
        assertThat(ConnectEnvelope.read(new ByteArrayInputStream(frame, 0, 0), 1 << 20, memory))
                .isEmpty();
    }

    @Test
    void survivesDeepNesting() {
        String deep = "{\"x\":".repeat(100_000);
        try {
            ConnectCodec.JSON.decode(utf8(deep), StartRequest.getDefaultInstance(), ConnectJson.PLAIN);
            fail("was read");
        } catch (ConnectException e) {
            assertThat(e.code()).isEqualTo(ConnectCode.INVALID_ARGUMENT);
        }
    }

    private static byte[] damaged(byte[] payload, Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> Arrays.copyOf(payload, random.nextInt(payload.length + 1));
            case 1 -> {
                byte[] copy = payload.clone();
                for (int n = random.nextInt(4); n >= 0 && copy.length > 0; n--) {
                    copy[random.nextInt(copy.length)] = (byte) random.nextInt();
                }
                yield copy;
            }
            default -> {
                byte[] garbage = new byte[random.nextInt(64)];
                random.nextBytes(garbage);
                yield garbage;
            }
        };
    }

    private static StartRequest start(Random random) {
        ProcessConfig.Builder config = ProcessConfig.newBuilder().setCmd(text(random));
        for (int n = random.nextInt(4); n > 0; n--) {
            config.addArgs(text(random)).putEnvs(text(random), text(random));
        }
        StartRequest.Builder request = StartRequest.newBuilder().setProcess(config);
        if (random.nextBoolean()) {
            request.setTag(text(random)).setStdin(random.nextBoolean());
        }
        if (random.nextBoolean()) {
            request.setPty(PTY.newBuilder()
                    .setSize(PTY.Size.newBuilder().setCols(random.nextInt()).setRows(random.nextInt(100))));
        }
        return request.build();
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int n = random.nextInt(12); n > 0; n--) {
            text.appendCodePoint(random.nextBoolean() ? random.nextInt(0xd800) : 0x1f600 + random.nextInt(64));
        }
        return text.toString();
    }

    private static String json(Message message) {
        return new String(ConnectCodec.JSON.encode(message, ConnectJson.PLAIN), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

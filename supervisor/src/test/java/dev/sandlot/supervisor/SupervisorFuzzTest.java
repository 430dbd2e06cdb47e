package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.UnixSocket;
import dev.sandlot.supervisor.Supervisor.Child;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sends frames that are good but for a few bytes to a supervisor that dies of any misuse of memory. Needs root. */
@Tag("fuzz")
@Timeout(300)
class SupervisorFuzzTest {
    private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 3000);

    @TempDir
    Path directory;

    @Test
    void survivesFramesThatAreAlmostGood() throws Throwable {
        Path program = directory.resolve("sanitized");
        compile(program);
        Exits exits = new Exits();
        try (EventLoop loop = EventLoop.start("test");
                SandboxProcess sandbox = SandboxProcess.start(directory, program, List.of(), List.of());
                SupervisorConnection supervisor = sandbox.connect(loop, exits)) {
            for (int seed = 0; seed < ROUNDS; seed++) {
                send(sandbox.socket(), mutated(new Random(seed)));
                Garbage.send(sandbox.socket(), new Random(seed));
                supervisor.ping();
                releaseEnded(supervisor);
            }
            assertThat(supervisor.isOpen()).isTrue();
        }
    }

    private static void compile(Path program) throws IOException, InterruptedException {
        Process compiler = new ProcessBuilder(
                        "sh",
                        "src/main/c/compile.sh",
                        program.toString(),
                        "-g",
                        "-O1",
                        "-fsanitize=address,undefined",
                        "-fno-sanitize-recover=all")
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
    }

    private static void releaseEnded(Supervisor supervisor) throws IOException {
        for (Child child : supervisor.list()) {
            if (child.ended()) {
                supervisor.release(child.pid());
            }
        }
    }

    private static void send(Path path, byte[] bytes) throws IOException {
        try (UnixSocket socket = UnixSocket.connect(path)) {
            socket.send(ByteBuffer.wrap(bytes), List.of());
        } catch (LinuxException e) {
            if (!e.is(Errno.EPIPE) && !e.is(Errno.ECONNRESET)) {
                throw e;
            }
        }
    }

    private static byte[] mutated(Random random) throws SpawnException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            all.writeBytes(frame(random));
        }
        byte[] bytes = all.toByteArray();
        for (int i = 0; i < random.nextInt(4); i++) {
            bytes[random.nextInt(bytes.length)] = (byte) (random.nextInt(4) - 1);
        }
        return bytes;
    }

    /** The command is a path that no few changed bytes make one of a program. */
    private static byte[] frame(Random random) throws SpawnException {
        return switch (random.nextInt(4)) {
            case 0 -> Wire.frame(Wire.LIST, 1, new byte[0]).array();
            case 1 ->
                Wire.frame(3 + random.nextInt(4), 2, Wire.ints(random.nextInt(9)))
                        .array();
            default -> Wire.frame(Wire.SPAWN, 3, Wire.spawn(spawn(random))).array();
        };
    }

    private static SpawnRequest spawn(Random random) {
        Streams streams =
                random.nextInt(8) == 0 ? new Streams.Terminal(80, 24) : new Streams.Pipes(random.nextBoolean());
        return new SpawnRequest(
                "/no/such/command",
                List.of("a", "b".repeat(random.nextInt(50))),
                Map.of("A", "1"),
                "/",
                1000,
                1000,
                List.of(1, 2),
                streams,
                random.nextLong());
    }
}

package dev.sandlot.supervisor;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.UnixSocket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Clients that do not keep to the wire. */
final class Garbage {
    private static final int MAX_BYTES = 2000;

    private Garbage() {}

    /** One connection that sends noise, noise behind a good header, or half of a good frame, and descriptors. */
    static void send(Path path, Random random) throws IOException {
        try (UnixSocket socket = UnixSocket.connect(path);
                Io.Pipe pipe = Io.pipe()) {
            List<Fd> descriptors = random.nextBoolean() ? List.of(pipe.readEnd()) : List.of();
            socket.send(ByteBuffer.wrap(bytes(random)), descriptors);
        } catch (LinuxException e) {
            if (!e.is(Errno.EPIPE) && !e.is(Errno.ECONNRESET)) {
                throw e;
            }
        }
    }

    static void sendUntilFull(UnixSocket socket, ByteBuffer frame) throws IOException {
        while (socket.send(frame.duplicate(), List.of()) != Io.WOULD_BLOCK) {}
    }

    private static byte[] bytes(Random random) {
        byte[] noise = new byte[1 + random.nextInt(MAX_BYTES)];
        random.nextBytes(noise);
        return switch (random.nextInt(3)) {
            case 0 -> noise;
            case 1 ->
                Wire.frame(1 + random.nextInt(10), random.nextLong(), noise).array();
            default -> {
                noise[0] = (byte) (noise.length * 2);
                noise[1] = (byte) (noise.length * 2 >> 8);
                noise[2] = 0;
                noise[3] = 0;
                yield noise;
            }
        };
    }
}

package dev.sandlot.supervisor;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Reads and writes whole streams over an event loop. */
final class Streaming {
    private Streaming() {}

    static CompletableFuture<byte[]> readAll(EventLoop loop, Fd fd) throws IOException {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);
        loop.register(fd, EventLoop.READ, (registration, _) -> {
            int n = readOrEnd(fd, buffer.clear());
            if (n == Io.END) {
                registration.close();
                fd.close();
                result.complete(all.toByteArray());
            } else {
                byte[] bytes = new byte[buffer.flip().remaining()];
                buffer.get(bytes);
                all.writeBytes(bytes);
            }
        });
        return result;
    }

    static void writeAll(EventLoop loop, Fd fd, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        loop.register(fd, EventLoop.WRITE, (registration, _) -> {
            Io.write(fd, buffer);
            if (!buffer.hasRemaining()) {
                registration.close();
                fd.close();
            }
        });
    }

    static String text(CompletableFuture<byte[]> bytes) throws Exception {
        return new String(bytes.get(20, TimeUnit.SECONDS), StandardCharsets.UTF_8);
    }

    private static int readOrEnd(Fd fd, ByteBuffer into) throws IOException {
        try {
            return Io.read(fd, into);
        } catch (LinuxException e) {
            if (e.is(Errno.EIO)) {
                return Io.END;
            }
            throw e;
        }
    }
}

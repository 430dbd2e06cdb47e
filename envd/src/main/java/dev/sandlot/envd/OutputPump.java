package dev.sandlot.envd;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.process.ProcessEvent.DataEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * Moves one output of a process to its subscribers. Bytes are read, and the descriptor is closed, on the thread of
 * the event loop alone; {@link #pause} and {@link #resume} may be called from any, under the lock of the process.
 */
final class OutputPump implements AutoCloseable {
    /** The largest read of any kind. */
    static final int MAX_CHUNK_BYTES = 32 << 10;

    /** Which output, and how much of it makes one event (envd.md 7.5). */
    enum Kind {
        STDOUT('o', MAX_CHUNK_BYTES) {
            @Override
            DataEvent event(ByteString bytes) {
                return DataEvent.newBuilder().setStdout(bytes).build();
            }
        },
        STDERR('e', MAX_CHUNK_BYTES) {
            @Override
            DataEvent event(ByteString bytes) {
                return DataEvent.newBuilder().setStderr(bytes).build();
            }
        },
        TERMINAL('t', 16 << 10) {
            @Override
            DataEvent event(ByteString bytes) {
                return DataEvent.newBuilder().setPty(bytes).build();
            }

            @Override
            int read(Fd output, ByteBuffer into) throws IOException {
                try {
                    return super.read(output, into);
                } catch (LinuxException e) {
                    if (e.is(Errno.EIO)) {
                        return Io.END;
                    }
                    throw e;
                }
            }
        };

        private final char letter;
        private final int chunkBytes;

        Kind(char letter, int chunkBytes) {
            this.letter = letter;
            this.chunkBytes = chunkBytes;
        }

        /** What it is called in files. */
        char letter() {
            return letter;
        }

        abstract DataEvent event(ByteString bytes);

        /** Reads once, as {@link Io#read}; the end of a terminal's output is an end. */
        int read(Fd output, ByteBuffer into) throws IOException {
            return Io.read(output, into);
        }
    }

    private final EventLoop loop;
    private final EventLoop.Registration registration;
    private final ByteBuffer scratch;
    private final Fd fd;
    private final Kind kind;
    private final SandboxProcess process;

    /** Adds an output to the process; nothing is read before {@link #resume}. */
    OutputPump(EnvdHost host, Fd fd, Kind kind, SandboxProcess process) throws IOException {
        this.loop = host.loop();
        this.scratch = host.scratch();
        this.fd = fd;
        this.kind = kind;
        this.process = process;
        this.registration = loop.register(fd, 0, (_, _) -> ready());
        process.addOutput(this);
    }

    /** Leaves what comes in the pipe. */
    void pause() {
        interest(0);
    }

    /** Reads on. */
    void resume() {
        interest(EventLoop.READ);
    }

    private void interest(int wanted) {
        try {
            registration.interest(wanted);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void ready() throws IOException {
        if (!fd.isOpen() || !process.mayRead(this)) {
            return;
        }
        int count = process.pass(fd, kind, scratch.clear().limit(kind.chunkBytes));
        if (count == Io.END) {
            closeNow();
            process.outputEnded(this);
        }
    }

    /** Stops for good, soon; the process is not told. */
    @Override
    public void close() {
        loop.execute(this::closeNow);
    }

    private void closeNow() {
        registration.close();
        fd.close();
    }
}

package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.UnixSocket.Received;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
    @TempDir
    Path directory;

    private UnixSocket listener;
    private UnixSocket client;
    private UnixSocket server;

    @BeforeEach
    void connect() throws IOException {
        listener = UnixSocket.listen(directory.resolve("socket"));
        client = UnixSocket.connect(directory.resolve("socket"));
        server = listener.accept().orElseThrow();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        listener.close();
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes());
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    @Test
    void descriptorsArriveWithTheirBytesAndWork() throws IOException {
        try (Io.Pipe pipe = Io.pipe()) {
            server.send(bytes("plain"), List.of());
            server.send(bytes("with"), List.of(pipe.readEnd(), pipe.writeEnd()));
            ByteBuffer into = ByteBuffer.allocateDirect(100);
            Received received = client.receive(into);
            while (received.descriptors().isEmpty()) {
                received = client.receive(into);
            }
            assertThat(into.position()).isEqualTo("plainwith".length());
            assertThat(received.descriptors()).hasSize(2);

            Io.write(received.descriptors().get(1), bytes("through"));
            ByteBuffer through = ByteBuffer.allocate(100);
            assertThat(Io.read(pipe.readEnd(), through)).isEqualTo("through".length());
            received.descriptors().forEach(Fd::close);
        }
    }

    @Test
    void theSenderIsKnown() throws IOException {
        server.send(bytes("x"), List.of());
        var sender = client.receive(ByteBuffer.allocateDirect(1)).sender().orElseThrow();
        assertThat(sender.pid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(server.peer().pid()).isEqualTo(sender.pid());
    }

    @Test
    void nothingToReadIsNoErrorAndTheEndIsTold() throws IOException {
        assertThat(client.receive(ByteBuffer.allocateDirect(1)).count()).isEqualTo(Io.WOULD_BLOCK);
        assertThat(listener.accept()).isEmpty();
        server.close();
        assertThat(client.receive(ByteBuffer.allocateDirect(1)).count()).isEqualTo(Io.END);
    }

    @Test
    void aFullSocketTakesNeitherBytesNorDescriptors() throws IOException {
        while (server.send(ByteBuffer.allocate(60_000), List.of()) != Io.WOULD_BLOCK) {}
        ByteBuffer rest = bytes("x");
        assertThat(server.send(rest, List.of(server.fd()))).isEqualTo(Io.WOULD_BLOCK);
        assertThat(rest.remaining()).isEqualTo(1);
    }

    @Test
    void descriptorsThatNobodyReadAreNotLeaked() throws IOException {
        long before = openDescriptors();
        for (int i = 0; i < 50; i++) {
            server.send(bytes("x"), List.of(listener.fd(), listener.fd()));
            Received received = client.receive(ByteBuffer.allocateDirect(1));
            received.descriptors().forEach(Fd::close);
        }
        assertThat(openDescriptors()).isEqualTo(before);
    }

    @Test
    void pathsMayBeLongerThanAnAddress() throws IOException {
        Path deep = Files.createDirectories(directory.resolve("d".repeat(120)));
        try (UnixSocket far = UnixSocket.listen(deep.resolve("socket"));
                UnixSocket near = UnixSocket.connect(deep.resolve("socket"))) {
            assertThat(far.accept()).isPresent().get().satisfies(UnixSocket::close);
            assertThat(near.fd().isOpen()).isTrue();
        }
        assertThat(deep.resolve("socket")).exists();
    }

    @Test
    void aMissingSocketIsToldByItsPath() {
        assertThatThrownBy(() -> UnixSocket.connect(directory.resolve("none")))
                .isInstanceOfSatisfying(LinuxException.class, e -> {
                    assertThat(e.is(Errno.ENOENT)).isTrue();
                    assertThat(e.subject()).endsWith("/none");
                });
    }
}

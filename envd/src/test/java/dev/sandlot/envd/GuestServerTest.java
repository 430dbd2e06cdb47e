package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the JDK's server does not do by itself: cutting an answer, seeing a client leave, reading what is left. */
@Timeout(30)
@InProcessOnly("the server of a guest, with other answers")
class GuestServerTest {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch failed = new CountDownLatch(1);
    private EventLoop loop;
    private EnvdHost host;
    private GuestServer server;

    @BeforeEach
    void start() throws Exception {
        GuestServer.tune();
        loop = EventLoop.start("test-loop");
        host = new EnvdHost(loop);
        InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        server = GuestServer.start(host, this::answer, any);
    }

    @AfterEach
    void stop() {
        server.close();
        host.close();
        loop.close();
    }

    private void answer(Exchange exchange) throws IOException {
        switch (exchange.rawPath()) {
            case "/cut" -> {
                OutputStream out = exchange.start(200, -1);
                out.write('x');
                out.flush();
                exchange.abort();
            }
            case "/wait" -> {
                exchange.onFailure(failed::countDown);
                begun.countDown();
                await(failed);
            }
            case "/broken" -> throw new IllegalStateException("broken");
            case "/short" -> exchange.start(200, 5).close();
            default ->
                exchange.send(200, (exchange.rawPath() + "?" + exchange.rawQuery()).getBytes(StandardCharsets.UTF_8));
        }
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void handsThePathOverAsItCame() throws Exception {
        assertThat(ask("GET /a%2Fb?c=%20d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .endsWith("\r\n\r\n/a%2Fb?c=%20d");
    }

    @Test
    void cutsAnAnswerWithoutItsLastChunk() throws Exception {
        assertThat(ask("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .endsWith("1\r\nx\r\n");
    }

    @Test
    void cutsAnAnswerThatIsShorterThanItSaid() throws Exception {
        assertThat(ask("GET /short HTTP/1.1\r\nHost: x\r\n\r\n")).doesNotContain("0\r\n\r\n");
    }

    @Test
    void seesAClientLeaveWhileNothingIsWritten() throws Exception {
        try (Socket client = connect()) {
            client.getOutputStream().write("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            await(begun);
        }
        await(failed);
    }

    @Test
    void readsWhatIsLeftOfARequestThatWasAnsweredEarly() throws Exception {
        String body = "b".repeat(300_000);
        String first = "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        String answers = ask(first + "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(answers).contains("/early?").endsWith("/next?");
    }

    @Test
    void tellsThatItFailed() throws Exception {
        assertThat(ask("GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 500")
                .contains("\"code\":500");
    }

    private Socket connect() throws IOException {
        return new Socket(server.address().getAddress(), server.address().getPort());
    }

    private String ask(String request) throws IOException {
        try (Socket client = connect()) {
            client.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(client.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }
}

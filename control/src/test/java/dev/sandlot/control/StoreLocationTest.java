package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import org.junit.jupiter.api.Test;

class StoreLocationTest {
    @Test
    void aProjectThatDoesNotAnswerIsToldWithTheReason() throws IOException {
        URI url = URI.create("http://127.0.0.1:" + closedPort());

        assertThatThrownBy(() -> new StoreLocation.Supabase(url, "sb_secret_x", 1).look())
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("could not reach Supabase project at " + url + ": ")
                .hasMessageNotContaining("null");
    }

    private static int closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}

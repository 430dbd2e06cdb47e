package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;

class ListeningPortsTest {
    private static final String TITLES =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

    @Test
    void of_a_table_those_that_listen() throws Exception {
        assertThat(
                        ListeningPorts.in(
                                List.of(
                                        TITLES,
                                        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1",
                                        "   1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1",
                                        "  12: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1")))
                .containsExactlyInAnyOrder(8080, 80);
        assertThat(ListeningPorts.in(
                        List.of(TITLES, "   0: 00000000000000000000000000000000:01BB 0:0 0A 0:0 0:0 0 0 0 1 1")))
                .containsExactly(443);
        assertThat(ListeningPorts.in(List.of(TITLES))).isEmpty();
        assertThat(ListeningPorts.in(List.of())).isEmpty();
    }

    @Test
    void what_is_no_table_is_refused() {
        assertThatThrownBy(() -> ListeningPorts.in(List.of(TITLES, "something else")))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> ListeningPorts.in(List.of(TITLES, "0: x:y 0:0 0A")))
                .isInstanceOf(IOException.class);
    }

    @Test
    void of_a_process_while_it_listens() throws Exception {
        int pid = Math.toIntExact(ProcessHandle.current().pid());
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
            assertThat(ListeningPorts.of(pid)).contains(port);
        }
        assertThat(ListeningPorts.of(pid)).doesNotContain(port);
    }
}

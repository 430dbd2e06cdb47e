package dev.sandlot.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrafficAnswerTest {
    private static final SandboxId ID = new SandboxId("iabc");
    private static final String FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    @Test
    void anUnknownSandboxHasTheKeysThatSdksRead() throws IOException {
        assertThat(json(TrafficAnswer.sandboxNotFound(ID)))
                .isEqualTo("502 {\"sandboxId\":\"iabc\",\"message\":\"The sandbox was not found\",\"code\":502}");
    }

    @Test
    void aClosedPortHasThePortToo() throws IOException {
        assertThat(json(TrafficAnswer.portNotOpen(ID, 3000)))
                .isEqualTo("502 {\"sandboxId\":\"iabc\",\"message\":\"The sandbox is running but port is not open\","
                        + "\"port\":3000,\"code\":502}");
    }

    @Test
    void theOtherAnswersHaveTheirStatusAndKeys() throws IOException {
        assertThat(json(TrafficAnswer.reservedPath("/init")))
                .matches("404 \\{\"message\":.*\"path\":\"/init\",\"code\":404}");
        assertThat(json(TrafficAnswer.resumeRefused(ID))).matches("403 \\{\"sandboxId\":\"iabc\",\"message\".*403}");
        assertThat(json(TrafficAnswer.stillChanging(ID))).matches("409 \\{\"sandboxId\":\"iabc\",\"message\".*409}");
        assertThat(json(TrafficAnswer.trafficTokenRefused(ID))).contains("403 ", "e2b-traffic-access-token");
        assertThat(json(TrafficAnswer.tooManyConnections(ID, 5))).contains("429 ", "\"connectionLimit\":5");
        assertThat(json(TrafficAnswer.teamLimitReached(ID))).startsWith("429 ");
        assertThat(json(TrafficAnswer.noValidAnswer(ID, 80))).startsWith("502 ").contains("\"port\":80");
    }

    /** Mode, Accept, X-Requested-With, User-Agent, whether a page is sent. */
    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "-, -, -, -, false",
                "navigate, -, -, -, true",
                "navigate, application/json, x, curl/8, true",
                "cors, -, -, browser, false",
                "no-cors, text/html, -, browser, false",
                "same-origin, -, -, browser, false",
                "websocket, -, -, browser, false",
                "-, application/json, -, browser, false",
                "-, application/json;q=0.9, -, browser, false",
                "-, application/problem+json, -, browser, false",
                "-, application/json|text/html, -, browser, true",
                "-, */*, -, browser, true",
                "-, -, XMLHttpRequest, browser, false",
                "-, -, -, browser, true",
                "-, text/html, -, curl/8.5, false",
                "-, -, -, e2b-js-sdk/2.51.0, false",
                "-, -, -, python-httpx/0.28, false",
            })
    void aPageIsForPeople(String mode, String accept, String requestedWith, String agent, boolean page)
            throws IOException {
        MemoryExchange exchange = request();
        set(exchange, "Sec-Fetch-Mode", mode);
        set(exchange, "Accept", accept == null ? null : accept.replace('|', ','));
        set(exchange, "X-Requested-With", requestedWith);
        set(exchange, "User-Agent", "browser".equals(agent) ? FIREFOX : agent);
        TrafficAnswer.portNotOpen(ID, 3000).send(exchange);
        assertThat(exchange.status()).isEqualTo(502);
        assertThat(exchange.responseHeaders().first("Content-Type"))
                .contains(page ? "text/html; charset=utf-8" : "application/json; charset=utf-8");
        String text = text(exchange);
        assertThat(text.startsWith("<!doctype html>")).isEqualTo(page);
        assertThat(text).contains("iabc", "3000", "port is not open");
    }

    @Test
    void aPageEscapesWhatItShows() throws IOException {
        MemoryExchange exchange = request();
        set(exchange, "Sec-Fetch-Mode", "navigate");
        TrafficAnswer.reservedPath("/<script>\"&").send(exchange);
        assertThat(text(exchange)).contains("/&lt;script&gt;&quot;&amp;").doesNotContain("<script>");
    }

    private static void set(Exchange exchange, String name, String value) {
        if (value != null) {
            exchange.requestHeaders().set(name, value);
        }
    }

    private static String json(TrafficAnswer answer) throws IOException {
        MemoryExchange exchange = request();
        answer.send(exchange);
        return exchange.status() + " " + text(exchange);
    }

    private static MemoryExchange request() {
        return MemoryExchange.of("GET", "/", new byte[0]);
    }

    private static String text(MemoryExchange exchange) throws IOException {
        return new String(exchange.responseBody().readAllBytes(), StandardCharsets.UTF_8);
    }
}

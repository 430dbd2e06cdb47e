package dev.sandlot.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.SandboxId;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SandboxAddressTest {
    /** Kind, host, id header, port header, expected: "api", "400" or id:port. */
    @ParameterizedTest
    @CsvSource({
        "ALL, 3000-iabc.example.com, , , iabc:3000",
        "ALL, 3000-iabc.example.com:8443, , , iabc:3000",
        "ALL, 3000-iabc-client1.example.com, , , iabc:3000",
        "ALL, 3000-iabc-client1-more.example.com, , , iabc:3000",
        "ALL, 3000-iabc.localhost:3000, , , iabc:3000",
        "ALL, 3000-iabc.example.com, iother, 49983, iabc:3000",
        "ALL, 3000-iabc.example.com, iother, , iabc:3000",
        "ALL, 0-iabc.example.com, , , 400",
        "ALL, 65535-iabc.example.com, , , iabc:65535",
        "ALL, 65536-iabc.example.com, , , 400",
        "ALL, 99999999999-iabc.example.com, , , 400",
        "ALL, 3000-.example.com, , , 400",
        "ALL, 3000-IABC.example.com, , , 400",
        "ALL, 3000-i_bc.example.com, , , 400",
        "ALL, api.example.com, , , api",
        "ALL, my-host.example.com, , , api",
        "ALL, 3000.example.com, , , api",
        "ALL, sandlot, , , api",
        "ALL, localhost, , , api",
        "ALL, localhost:3000, iabc, 49983, iabc:49983",
        "ALL, LOCALHOST:3000, iabc, 49983, iabc:49983",
        "ALL, localhost:3000, iabc-client, 49983, iabc:49983",
        "ALL, localhost:3000, iabc, , 400",
        "ALL, localhost:3000, , 49983, 400",
        "ALL, localhost:3000, iABC, 49983, 400",
        "ALL, localhost:3000, iabc, x, 400",
        "ALL, localhost:3000, iabc, -1, 400",
        "ALL, 127.0.0.1:3000, iabc, 49983, iabc:49983",
        "ALL, 127.0.0.1:3000, iabc, , 400",
        "ALL, [::1]:3000, iabc, 49983, iabc:49983",
        "ALL, [::1], iabc, , 400",
        "ALL, sandbox.example.com, iabc, 49983, iabc:49983",
        "ALL, sandbox.example.com, , 49983, 400",
        "ALL, sandlot:3000, iabc, 49983, iabc:49983",
        "ALL, sandlot:3000, iabc, , api",
        "TRAFFIC, 3000-iabc.example.com, , , iabc:3000",
        "TRAFFIC, api.example.com, , , 400",
        "TRAFFIC, api.example.com, iabc, 49983, 400",
        "TRAFFIC, my-host.example.com, , , 400",
        "TRAFFIC, 3000-iabc, , , 400",
        "TRAFFIC, localhost, , , 400",
        "TRAFFIC, localhost, iabc, 49983, iabc:49983",
        "TRAFFIC, sandbox.example.com, iabc, , 400",
        "DEBUG, localhost:49983, iabc, , iabc:49983",
        "DEBUG, localhost:49983, iabc, 3000, iabc:3000",
        "DEBUG, localhost:49983, , , 400",
        "DEBUG, localhost:49983, , 49983, 400",
        "DEBUG, devbox:49983, iabc, , iabc:49983",
        "DEBUG, 3000-iabc.example.com, , , iabc:3000",
    })
    void findsWhatIsMeant(FrontListener.Kind kind, String host, String id, String port, String expected) {
        Headers headers = new Headers();
        if (id != null) {
            headers.set("e2b-sandbox-id", id);
        }
        if (port != null) {
            headers.set("E2B-SANDBOX-PORT", port);
        }
        assertThat(describe(SandboxAddress.find(kind, host, headers))).isEqualTo(expected);
    }

    private static String describe(Destination destination) {
        return switch (destination) {
            case Destination.Api() -> "api";
            case Destination.Sandbox(SandboxId id, int port) -> id + ":" + port;
            case Destination.Refused _ -> "400";
        };
    }

    @Test
    void repeatedHeadersAreRefused() {
        Headers headers = new Headers()
                .add("E2b-Sandbox-Id", "iabc")
                .add("E2b-Sandbox-Id", "idef")
                .add("E2b-Sandbox-Port", "1");
        assertThat(SandboxAddress.find(FrontListener.Kind.ALL, "localhost", headers))
                .isInstanceOf(Destination.Refused.class);
    }

    @Test
    void everyAddressBuiltFromAnIdAndAPortIsFound() {
        Random random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            SandboxId id = SandboxId.random();
            int port = 1 + random.nextInt(65535);
            String client = random.nextBoolean() ? "" : "-" + Integer.toString(random.nextInt(1 << 30), 36);
            String host = port + "-" + id + client + ".a" + random.nextInt(100) + ".example:" + random.nextInt(65536);
            for (FrontListener.Kind kind : FrontListener.Kind.values()) {
                assertThat(SandboxAddress.find(kind, host, new Headers())).isEqualTo(new Destination.Sandbox(id, port));
            }
        }
    }

    @Test
    void noHostWhateverMakesItFailOrLeaveTheRange() {
        Random random = new Random(2);
        String alphabet = "0123456789-.:[]abzAZ_%\u0130 \u0660localhostsandbox";
        for (int i = 0; i < 20_000; i++) {
            String host = text(random, alphabet, 30);
            Headers headers = new Headers();
            if (random.nextBoolean()) {
                headers.set("E2b-Sandbox-Id", text(random, alphabet, 8));
            }
            if (random.nextBoolean()) {
                headers.set("E2b-Sandbox-Port", text(random, alphabet, 6));
            }
            FrontListener.Kind kind = FrontListener.Kind.values()[random.nextInt(3)];
            switch (SandboxAddress.find(kind, host, headers)) {
                case Destination.Api() -> assertThat(kind).isEqualTo(FrontListener.Kind.ALL);
                case Destination.Sandbox(SandboxId id, int port) -> {
                    assertThat(port).isBetween(1, 65535);
                    assertThat(id.value()).matches("[a-z0-9]+");
                }
                case Destination.Refused(String reason) -> assertThat(reason).matches("[\\x20-\\x7e]+");
            }
        }
    }

    private static String text(Random random, String alphabet, int most) {
        StringBuilder text = new StringBuilder();
        for (int left = random.nextInt(most + 1); left > 0; left--) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }

    /** public-api.md 24.2: older clients must get through; e2b 2.8 for Python connects with both headers. */
    @Test
    void aCallWithAnApiKeyIsForTheApiEvenIfItNamesEnvd() {
        Headers connect = new Headers()
                .set("E2b-Sandbox-Id", "iabc")
                .set("E2b-Sandbox-Port", "49983")
                .set("X-API-KEY", "e2b_00");
        for (String host : new String[] {"localhost:3000", "127.0.0.1:3000", "sandlot:3000"}) {
            assertThat(SandboxAddress.find(FrontListener.Kind.ALL, host, connect))
                    .isEqualTo(new Destination.Api());
        }
        Destination envd = new Destination.Sandbox(new SandboxId("iabc"), 49983);
        assertThat(SandboxAddress.find(FrontListener.Kind.TRAFFIC, "localhost:3002", connect))
                .isEqualTo(envd);
        assertThat(SandboxAddress.find(FrontListener.Kind.ALL, "49983-iabc.localhost", connect))
                .isEqualTo(envd);
        assertThat(SandboxAddress.find(
                        FrontListener.Kind.ALL, "localhost:3000", connect.set("E2b-Sandbox-Port", "3000")))
                .isEqualTo(new Destination.Sandbox(new SandboxId("iabc"), 3000));
    }
}

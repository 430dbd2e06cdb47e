package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UpServerTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, sandlot.localhost, sandlot.localhost:3000",
        "::1, sandlot.localhost, sandlot.localhost:3000",
        "0.0.0.0, sandlot.localhost, sandlot.localhost:3000",
        "127.0.0.2, sandlot.localhost, ''",
        "192.0.2.1, sandlot.localhost, ''",
        "192.0.2.1, sandboxes.example.org, sandboxes.example.org",
        "127.0.0.1, sandboxes.example.org:8080, sandboxes.example.org:8080"
    })
    void hostsOfSandboxesAreBelowTheDomainThatLeadsToTheServer(String address, String domain, String expected) {
        assertThat(UpServer.sandboxDomain(new Settings.Listen(address, 0, 0, 0, domain), 3000))
                .isEqualTo(expected);
    }
}

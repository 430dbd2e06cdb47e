package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The settings of docs/guest.md. */
@InProcessOnly("the reading of settings alone")
class GuestSettingsTest {
    @Test
    void defaults_are_those_of_the_table() throws Exception {
        GuestSettings settings = GuestSettings.of(List.of(), Map.of("PATH", "/bin"));
        assertThat(settings.address().getAddress().getHostAddress()).isEqualTo("0.0.0.0");
        assertThat(settings.address().getPort()).isEqualTo(49983);
        assertThat(settings.runDirectory()).isEqualTo(Path.of("/run/sandlot"));
        assertThat(settings.supervisorSocket()).isEqualTo(Path.of("/run/sandlot/supervisor.sock"));
        EnvdConfig config = settings.config();
        assertThat(config.sandboxId().value()).isEqualTo("guest");
        assertThat(config.templateId()).isEqualTo("base");
        assertThat(config.envVars()).isEmpty();
        assertThat(config.accessToken()).isNull();
        assertThat(config.defaultUser()).isEqualTo("root");
        assertThat(config.defaultWorkdir()).isEmpty();
    }

    @Test
    void flags_win_over_variables_and_both_over_the_defaults() throws Exception {
        GuestSettings settings = GuestSettings.of(
                List.of("--port", "1", "--env", "A=b=c", "--env", "B="),
                Map.of("SANDLOT_ENVD_PORT", "2", "SANDLOT_ENVD_SANDBOX_ID", "imine", "SANDLOT_ENVD_USER", "user"));
        assertThat(settings.address().getPort()).isEqualTo(1);
        assertThat(settings.config().sandboxId().value()).isEqualTo("imine");
        assertThat(settings.config().defaultUser()).isEqualTo("user");
        assertThat(settings.config().envVars()).containsExactlyInAnyOrderEntriesOf(Map.of("A", "b=c", "B", ""));
    }

    @ParameterizedTest
    @CsvSource({
        "--port 65536, not a port: 65536",
        "--port -1, not a port: -1",
        "--port x, not a port: x",
        "--port, needs a value",
        "--prot 1, --prot: no such flag",
        "stray, stray: no such flag",
        "--env novalue, not NAME=VALUE: novalue",
        "--env =x, not NAME=VALUE: =x",
        "--sandbox-id ../x, sandbox-id",
        "--host no.such.host.invalid, no address of that name",
    })
    void what_is_wrong_is_refused_by_its_name(String arguments, String problem) {
        assertThatThrownBy(() -> GuestSettings.of(List.of(arguments.split(" ")), Map.of()))
                .isInstanceOf(GuestSettings.Wrong.class)
                .hasMessageContaining(problem);
    }

    @Test
    void all_problems_are_told_at_once() {
        assertThatThrownBy(() ->
                        GuestSettings.of(List.of("--port", "x", "--nothing"), Map.of("SANDLOT_ENVD_TOKEN", "secret")))
                .hasMessageContaining("not a port: x")
                .hasMessageContaining("--nothing: no such flag")
                .hasMessageContaining("SANDLOT_ENVD_TOKEN: no such setting")
                .hasMessageNotContaining("secret");
        assertThat(GuestSettings.usage()).contains("[--port 49983]", "[--workdir PATH]", "SANDLOT_ENVD_PORT");
    }
}

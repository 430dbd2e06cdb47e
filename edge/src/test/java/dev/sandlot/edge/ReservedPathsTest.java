package dev.sandlot.edge;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReservedPathsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/init",
                "//init",
                "/init/",
                "/./init",
                "/%69nit",
                "/INIT",
                "/%49nit",
                "/a/../init",
                "/a/%2e%2e/init",
                "/%2Finit",
                "/%2finit",
                "/init//",
                "/init/.",
                "/init%2f",
                "/../init",
                "/%2E/init"
            })
    void everySpellingOfAReservedPathIsFound(String path) {
        assertThat(ReservedPaths.match(path)).contains("/init");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/freeze", "/unfreeze", "/fsfreeze", "/fsthaw", "/collapse", "/upgrade"})
    void allReservedPathsAreKnown(String path) {
        assertThat(ReservedPaths.match(path)).contains(path);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "",
                "/health",
                "/files",
                "/initx",
                "/init/x",
                "/x/init",
                "/%2569nit",
                "/init%00",
                "/%",
                "/%6",
                "/%6g",
                "/init%",
                "/process.Process/Start",
                "*"
            })
    void otherPathsAreLetThrough(String path) {
        assertThat(ReservedPaths.match(path)).isEmpty();
    }
}

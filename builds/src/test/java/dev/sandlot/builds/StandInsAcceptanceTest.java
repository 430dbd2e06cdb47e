package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.images.BaseTemplateSettings;
import dev.sandlot.images.ContentStore;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.RegistryAccess;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.StandIns;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.protocol.BuildOrigin;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Stand-ins made of real Debian packages, and what runs in them; needs mmdebstrap and a Debian mirror. */
@Tag("acceptance")
class StandInsAcceptanceTest {
    @TempDir(cleanup = CleanupMode.NEVER)
    Path temp;

    RecordedLog log = new RecordedLog();

    /** By a program: the test library would tell of each of a thousand links in these roots. */
    @AfterEach
    void remove() throws Exception {
        new ProcessBuilder("rm", "-rf", "--one-file-system", temp.toString())
                .start()
                .waitFor();
    }

    @Test
    void debian_python_and_node_are_what_their_names_promise() throws Exception {
        try (LayerStore store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT)) {
            BuildBase debian = base(store, "debian:stable");
            assertThat(
                            output(
                                    store,
                                    debian,
                                    "id -un; . /etc/os-release; echo $ID; for p in bash sudo curl git jq less"
                                            + " socat ip ss ping fusermount3 pgrep; do command -v $p >/dev/null || echo no $p; done"))
                    .containsExactly("root", "debian");
            assertThat(log.lines).anyMatch(line -> line.startsWith("WARN base debian:stable is not that image"));
            long start = System.nanoTime();
            assertThat(base(store, "ubuntu:24.04").layers().getFirst())
                    .isEqualTo(debian.layers().getFirst());
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));

            BuildBase python = base(store, "python:3.13-slim");
            assertThat(python.env()).containsKey("PYTHON_VERSION");
            assertThat(output(
                            store,
                            python,
                            "/usr/local/bin/python -c 'print(6*7)'; python3 -m venv /tmp/v &&"
                                    + " /tmp/v/bin/python -c 'print(1)'; pip --version | cut -c1-4;"
                                    + " pip install --no-index nothing-here 2>&1 | grep -c externally-managed"))
                    .containsExactly("42", "1", "pip ", "0");

            BuildBase node = base(store, "node:lts");
            assertThat(output(
                            store,
                            node,
                            "node -e 'console.log(6*7)'; npm --version >/dev/null && echo npm; id -u node"))
                    .containsExactly("42", "npm", "1000");
        }
    }

    private BuildBase base(LayerStore store, String reference) throws Exception {
        PulledBases bases = new PulledBases(
                store,
                new ChrootWorkshop(store, temp),
                new StandIns(store, BaseTemplateSettings.DEFAULT),
                new OwnImages(
                        (_, _) -> {
                            throw new IOException("nothing was pushed");
                        },
                        LocalImages.open(ContentStore.open(store, RegistryLimits.DEFAULT), store)),
                new ImageBasesSettings(null, true, RegistryAccess.PUBLIC));
        return bases.make(ProvisionerTest.plan(new BuildOrigin.Image(reference, null)), log);
    }

    private List<String> output(LayerStore store, BuildBase base, String script) throws Exception {
        List<String> lines = new ArrayList<>();
        Workshop.Order order = new Workshop.Order(ProvisionerTest.PLAN.buildId(), "t", base.layers(), 1, 512);
        try (WorkSandbox sandbox = new ChrootWorkshop(store, temp).open(order)) {
            sandbox.run(
                    new WorkSandbox.Command(
                            List.of("/bin/bash", "-l", "-c", script), "root", "/", Map.of(), Duration.ofMinutes(2)),
                    new WorkSandbox.Lines() {
                        @Override
                        public void stdout(String line) {
                            lines.add(line);
                        }

                        @Override
                        public void stderr(String line) {
                            lines.add(line);
                        }
                    });
        }
        return lines;
    }
}

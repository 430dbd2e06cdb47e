package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.TreeRemoval;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class OciRuntimeTest extends RuntimeContract {
    private Path data;

    @Override
    SandboxRuntime open() throws Exception {
        if (data == null) {
            data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-runtime-test");
        }
        return OciRuntime.open(TestConfig.over(data), (_, _, _) -> {});
    }

    @Override
    void purge() throws Exception {
        OciRuntime.purge(TestConfig.over(data));
        TreeRemoval.remove(data);
    }

    @Test
    void afterAPurgeTheMachineKnowsNothingOfIt() throws Exception {
        RuntimeConfig config = TestConfig.over(data);
        start();
        runtime().close();
        OciRuntime.purge(config);
        assertThat(Files.exists(config.runDirectory())).isFalse();
        assertThat(Tool.require("nft").run("", "list", "tables").text()).doesNotContain(config.instance());
        awaitTrue(() -> Journal.names(Path.of("/sys/class/net")).stream()
                .noneMatch(name -> name.startsWith(config.linkPrefix())));
        assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                .doesNotContain(config.runDirectory().toString());
    }
}

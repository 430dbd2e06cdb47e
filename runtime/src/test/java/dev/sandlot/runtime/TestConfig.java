package dev.sandlot.runtime;

import java.nio.file.Path;

/** Settings apart from the defaults, so that tests do not meet a Sandlot that runs on the same machine. */
final class TestConfig {
    private static final int UID_BASE = 0x6000_0000;

    private TestConfig() {}

    static RuntimeConfig over(Path data) {
        RuntimeConfig defaults = RuntimeConfig.defaults(data);
        return new RuntimeConfig(
                defaults.dataDirectory(),
                defaults.runDirectory(),
                defaults.ociRuntime(),
                AddressPlan.parse("10.219.0.0/18"),
                UID_BASE,
                16,
                4096,
                4);
    }
}

package dev.sandlot.envd;

import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * An envd over a directory, as its clients see it. {@code -Dsandlot.envd=guest} has the tests run against the packaged
 * program ({@code envd/package}) in a chroot, by HTTP, instead of against the classes in this process.
 */
interface TestEnvd extends ExchangeHandler, AutoCloseable {
    /** The property that chooses. */
    String GUEST = "sandlot.envd";

    /** Whether the tests run against the program in a guest. */
    boolean IN_GUEST = System.getProperty(GUEST, "").equals("guest");

    /** One without processes, unless it is a guest. */
    static TestEnvd over(Path root, EnvdConfig config) throws IOException {
        return IN_GUEST ? GuestProgram.start(root, config, List.of()) : new InProcessEnvd(root, config);
    }

    /** As after a restart of the program: it knows what it kept and nothing else. */
    default void restart() throws IOException {
        restart(() -> {});
    }

    /** @param whileDown done when the program has ended and before it serves again */
    void restart(WhileDown whileDown) throws IOException;

    /** What happens meanwhile. */
    @FunctionalInterface
    interface WhileDown {
        void happen() throws IOException;
    }

    @Override
    void close();
}

package dev.sandlot.app;

import java.nio.file.Files;
import java.nio.file.Path;

/** The source tree the program runs from, which {@code test} and {@code bench} need. */
final class Checkout {
    private Checkout() {}

    static Path root(Surroundings surroundings) {
        String home = surroundings.environment().getOrDefault("SANDLOT_HOME", "");
        if (home.isEmpty() || !Files.exists(Path.of(home, "pom.xml"))) {
            throw new CommandException(
                    ExitCode.FAILED, "this command works in a checkout of the sources only; run it as ./sandlot");
        }
        return Path.of(home);
    }
}

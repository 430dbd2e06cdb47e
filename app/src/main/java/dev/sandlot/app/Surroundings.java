package dev.sandlot.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Where a command runs: its environment, its user, its streams. */
record Surroundings(
        Map<String, String> environment,
        boolean isRoot,
        Path home,
        PrintStream out,
        PrintStream err,
        BufferedReader in) {

    static Surroundings ofProcess(BufferedReader in, PrintStream out) {
        return new Surroundings(
                System.getenv(), runsAsRoot(), Path.of(System.getProperty("user.home", "/")), out, System.err, in);
    }

    /** Progress for a person who looks on. */
    Progress progress() {
        return line -> {
            err.println("-> " + line);
            err.flush();
        };
    }

    private static boolean runsAsRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            throw new UncheckedIOException("could not tell who runs this", e);
        }
    }
}

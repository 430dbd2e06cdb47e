package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Parts that run no sandbox, so that the commands can be tested alone. The server notes in the data directory how it
 * was closed, refuses to start when a file {@code broken} is there, and starts for ever when a file {@code slow} is.
 */
public final class TestPrograms implements Programs, Housekeeping {
    int sandboxesLeft;
    final List<String> leftovers = new ArrayList<>();
    final List<String> calls = new ArrayList<>();

    @Override
    public ServerProgram server() {
        return (settings, _, progress) -> {
            progress.step("making the base template");
            Path beside = settings.dataDir().resolveSibling("x");
            if (Files.exists(beside.resolveSibling("broken"))) {
                throw new IOException("could not make the base template: no network");
            }
            if (Files.exists(beside.resolveSibling("slow"))) {
                hang(Files.createDirectory(settings.dataDir().resolve("staging")));
            }
            return new Ready(settings);
        };
    }

    /** As a long build does: what it made is gone when it is interrupted. */
    private static void hang(Path staging) throws IOException, InterruptedException {
        try {
            Thread.sleep(Duration.ofMinutes(10));
        } finally {
            Files.delete(staging);
        }
    }

    private record Ready(Settings settings) implements ServerProgram.Prepared {
        @Override
        public RunningServer start() throws IOException {
            return new TestServer(note(settings));
        }

        @Override
        public void close() {}
    }

    static Path note(Settings settings) {
        return settings.dataDir().resolveSibling("closed");
    }

    @Override
    public Housekeeping housekeeping() {
        return this;
    }

    @Override
    public int endSandboxes(Settings settings, Progress progress) {
        calls.add("end");
        int ended = sandboxesLeft;
        sandboxesLeft = 0;
        return ended;
    }

    @Override
    public List<String> leftovers(Settings settings) {
        return leftovers;
    }

    @Override
    public void removeAll(Settings settings, Progress progress) {
        calls.add("remove");
    }
}

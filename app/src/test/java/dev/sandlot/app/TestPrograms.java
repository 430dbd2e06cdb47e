package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Parts that run no sandbox, so that the commands can be tested alone. The server notes in the data directory how it
 * was closed, and refuses to start when a file {@code broken} is there.
 */
public final class TestPrograms implements Programs, Housekeeping {
    int sandboxesLeft;
    final List<String> leftovers = new ArrayList<>();
    final List<String> calls = new ArrayList<>();

    @Override
    public ServerProgram server() {
        return (settings, _, progress) -> {
            progress.step("making the base template");
            if (Files.exists(settings.dataDir().resolveSibling("broken"))) {
                throw new IOException("could not make the base template: no network");
            }
            return new TestServer(note(settings));
        };
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

package dev.sandlot.node;

import dev.sandlot.builds.NotReadyException;
import dev.sandlot.builds.Readiness;
import dev.sandlot.builds.WorkSandbox;
import dev.sandlot.protocol.TemplateStart;
import java.io.IOException;
import java.time.Duration;

/**
 * Starts in a new sandbox what its template starts, as its users could, and waits until it is ready
 * (template-build.md 10). Where the template's build only let a time pass, the ports that it saw then are waited for.
 */
final class TemplateStarter {
    private static final Duration FIRST_POLL = Duration.ofMillis(50);
    private static final Duration POLL = Duration.ofSeconds(2);

    private TemplateStarter() {}

    /**
     * Returns when the sandbox is ready.
     *
     * @param limit until it must be
     * @throws NotReadyException with a reason for its user
     */
    static void start(TemplateStart start, HostedSandbox sandbox, Duration limit)
            throws NotReadyException, IOException, InterruptedException {
        LastLine said = new LastLine();
        try (SandboxCommands commands = new SandboxCommands(sandbox.running(), sandbox.envd(), true)) {
            new Readiness(limit, Duration.ZERO, FIRST_POLL, POLL).reachAgain(start, commands, said, new LastLine());
        } catch (NotReadyException e) {
            throw e.saying(said.line);
        }
    }

    /** Keeps what was said last. */
    private static final class LastLine implements WorkSandbox.Lines {
        private volatile String line = "";

        @Override
        public void stdout(String text) {
            tell(text);
        }

        @Override
        public void stderr(String text) {
            tell(text);
        }

        private void tell(String text) {
            if (!text.isBlank()) {
                line = text;
            }
        }
    }
}

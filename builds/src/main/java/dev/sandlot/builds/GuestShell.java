package dev.sandlot.builds;

import dev.sandlot.builds.WorkSandbox.Command;
import dev.sandlot.builds.WorkSandbox.Ended;
import dev.sandlot.builds.WorkSandbox.Lines;
import dev.sandlot.protocol.BuildContext;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Shell commands in a sandbox of a build: those of users, and our own scripts. */
final class GuestShell {
    private static final String SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private GuestShell() {}

    /**
     * A user's command in a login shell (template-build.md 5.1). A {@code PATH} of the context is followed by the
     * system's directories, and holds though the shell's own setup may set another.
     */
    static Command user(String command, BuildContext context, String user, Duration limit) {
        Map<String, String> env = new LinkedHashMap<>(context.env());
        String wanted = env.get("PATH");
        String text = command;
        if (wanted != null) {
            env.put("PATH", withSystem(wanted));
            String quoted = quoted(wanted);
            text = "case \"$PATH\" in " + quoted + "*) ;; *) export PATH=" + quoted + ":\"$PATH\" ;; esac\n" + command;
        }
        return new Command(List.of("/bin/bash", "-l", "-c", text), user, context.workdir(), env, limit);
    }

    private static String withSystem(String path) {
        List<String> all = new ArrayList<>(List.of(path.split(":")));
        for (String directory : SYSTEM_PATH.split(":")) {
            if (!all.contains(directory)) {
                all.add(directory);
            }
        }
        return String.join(":", all);
    }

    /** A word that a shell takes for nothing but itself. */
    static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }

    /** One of our scripts, as root, with what it is given as {@code $1} and so on. */
    static Command script(String script, Duration limit, String... arguments) {
        List<String> all = new ArrayList<>(List.of("/bin/sh", "-c", script, "sandlot"));
        all.addAll(List.of(arguments));
        return new Command(all, "root", "/", Map.of("PATH", SYSTEM_PATH), limit);
    }

    /** The text of a script that this program carries. */
    static String bundled(String name) throws IOException {
        try (InputStream in = GuestShell.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("script is missing: " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Runs a script of ours; its output goes to the log. */
    static void run(WorkSandbox sandbox, Command script, Lines lines, String what)
            throws IOException, InterruptedException {
        Ended ended = sandbox.run(script, lines);
        if (!ended.isOk()) {
            throw new IOException(what + " ended with " + ended.exitCode());
        }
    }
}

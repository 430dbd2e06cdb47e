package dev.sandlot.envd;

import java.util.List;
import java.util.Map;

/**
 * A program that whoever keeps a sandbox runs in it, with no client to ask for it (template-build.md 5.1 and 10).
 *
 * @param command looked up in its {@code PATH} when it has no slash
 * @param arguments without the command itself
 * @param user who runs it; a name of the sandbox's own {@code /etc/passwd}
 * @param workdir where it starts; empty for the user's home
 * @param env its variables, over those of the user and below those of the sandbox's own
 * @param durable whether its newest output is kept for clients to read again
 */
public record Program(
        String command, List<String> arguments, String user, String workdir, Map<String, String> env, boolean durable) {
    public Program {
        arguments = List.copyOf(arguments);
        env = Map.copyOf(env);
    }
}

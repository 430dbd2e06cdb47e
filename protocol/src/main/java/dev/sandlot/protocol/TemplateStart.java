package dev.sandlot.protocol;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is started in every sandbox of a template (template-build.md 10).
 *
 * @param startCommand runs as long as the sandbox does; empty for none
 * @param readyCommand asked again and again until it ends with 0; empty for none
 * @param context user, directory and variables of both
 * @param ports TCP ports on which it listened when the build found it ready; null when nobody looked
 */
public record TemplateStart(
        String startCommand,
        String readyCommand,
        BuildContext context,
        @Nullable List<Integer> ports) {
    private static final Pattern WAIT = Pattern.compile("\\s*(sleep\\s+[0-9.]+[smh]?\\s*)?");

    public TemplateStart {
        ports = ports == null ? null : List.copyOf(ports);
    }

    /** As it is before a build has seen it. */
    public TemplateStart(String startCommand, String readyCommand, BuildContext context) {
        this(startCommand, readyCommand, context, null);
    }

    /** As a build found it when it was ready. */
    public TemplateStart seenOn(List<Integer> listening) {
        return new TemplateStart(startCommand, readyCommand, context, listening);
    }

    /** Whether the ready command asks for nothing: there is none, or it lets a time pass, as that of a Dockerfile. */
    public boolean onlyWaits() {
        return WAIT.matcher(readyCommand).matches();
    }

    /** Whether there is anything to start or to wait for. */
    public boolean hasCommands() {
        return !startCommand.isEmpty() || !readyCommand.isEmpty();
    }
}

package dev.sandlot.protocol;

/**
 * What is started in every sandbox of a template (template-build.md 10).
 *
 * @param startCommand runs as long as the sandbox does; empty for none
 * @param readyCommand asked again and again until it ends with 0; empty for none
 * @param context user, directory and variables of both
 */
public record TemplateStart(String startCommand, String readyCommand, BuildContext context) {
    /** Whether there is anything to start or to wait for. */
    public boolean hasCommands() {
        return !startCommand.isEmpty() || !readyCommand.isEmpty();
    }
}

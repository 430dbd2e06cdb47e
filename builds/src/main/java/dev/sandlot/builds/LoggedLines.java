package dev.sandlot.builds;

import dev.sandlot.protocol.BuildLogEntry;

/**
 * Puts the output of a command into the log, line by line, without the empty ones (template-build.md 11).
 *
 * @param prefix in brackets before each line
 */
record LoggedLines(BuildLog log, BuildLogEntry.Level level, String step, String prefix) implements WorkSandbox.Lines {
    @Override
    public void stdout(String line) {
        tell("stdout", line);
    }

    @Override
    public void stderr(String line) {
        tell("stderr", line);
    }

    private void tell(String stream, String line) {
        if (!line.isBlank()) {
            log.line(level, step, "[" + prefix + "] [" + stream + "]: " + line);
        }
    }
}

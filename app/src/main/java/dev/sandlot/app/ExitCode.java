package dev.sandlot.app;

/** What the program's exit codes mean; the same for every command (docs/cli.md). */
final class ExitCode {
    /** Done, or nothing to do. */
    static final int OK = 0;

    /** It failed; the last lines on standard error say why. */
    static final int FAILED = 1;

    /** The command line or the settings are wrong; nothing was done. */
    static final int USAGE = 2;

    /** What the command asks about does not run, or was never set up. */
    static final int NOT_RUNNING = 3;

    private ExitCode() {}
}

package dev.sandlot.envd;

import dev.sandlot.protocol.process.ProcessEvent;

/** Tells the raw status of wait(2) in the words of the contract (envd.md 7.5). */
final class ExitStatus {
    private static final int SIGNAL_MASK = 0x7f;
    private static final int CORE_DUMPED = 0x80;
    private static final int SHELL_SIGNAL = 128;
    private static final String[] SIGNALS = {
        "signal 0",
        "hangup",
        "interrupt",
        "quit",
        "illegal instruction",
        "trace/breakpoint trap",
        "aborted",
        "bus error",
        "floating point exception",
        "killed",
        "user defined signal 1",
        "segmentation fault",
        "user defined signal 2",
        "broken pipe",
        "alarm clock",
        "terminated"
    };

    private ExitStatus() {}

    /** As a shell tells it: the exit code, or 128 and the number of the signal. */
    static int code(int rawStatus) {
        int signal = rawStatus & SIGNAL_MASK;
        return signal == 0 ? (rawStatus >> 8) & 0xff : SHELL_SIGNAL + signal;
    }

    /** The event that ends a process. */
    static ProcessEvent.EndEvent end(int rawStatus) {
        int signal = rawStatus & SIGNAL_MASK;
        return signal == 0 ? exited((rawStatus >> 8) & 0xff) : signaled(signal, (rawStatus & CORE_DUMPED) != 0);
    }

    private static ProcessEvent.EndEvent exited(int code) {
        String status = "exit status " + code;
        ProcessEvent.EndEvent.Builder end = ProcessEvent.EndEvent.newBuilder()
                .setExitCode(code)
                .setExited(true)
                .setStatus(status);
        return code == 0 ? end.build() : end.setError(status).build();
    }

    private static ProcessEvent.EndEvent signaled(int signal, boolean core) {
        String name = signal < SIGNALS.length ? SIGNALS[signal] : "signal " + signal;
        String status = "signal: " + name + (core ? " (core dumped)" : "");
        return ProcessEvent.EndEvent.newBuilder()
                .setExitCode(-1)
                .setStatus(status)
                .setError(status)
                .build();
    }
}

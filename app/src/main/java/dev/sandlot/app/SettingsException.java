package dev.sandlot.app;

import java.util.List;

/** Everything that is wrong with the settings, told at once. */
public final class SettingsException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<String> problems;

    SettingsException(List<String> problems) {
        super(text(problems));
        this.problems = List.copyOf(problems);
    }

    /** One line for each problem. */
    public List<String> problems() {
        return problems;
    }

    /** All of them in one text. */
    String summary() {
        return text(problems);
    }

    private static String text(List<String> problems) {
        String count = problems.size() == 1 ? "a problem" : problems.size() + " problems";
        return "the settings have " + count + ":\n  - " + String.join("\n  - ", problems);
    }
}

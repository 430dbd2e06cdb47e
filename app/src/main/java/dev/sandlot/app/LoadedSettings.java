package dev.sandlot.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The settings in force and where each came from.
 *
 * @param file the settings file that was read, or would have been had it existed
 * @param unused variables that are set but mean nothing to this version yet
 */
record LoadedSettings(Settings settings, Path file, List<Value> values, List<String> unused) {
    LoadedSettings {
        values = List.copyOf(values);
        unused = List.copyOf(unused);
    }

    /** Where a setting came from and what changes it, to be put after what is wrong with it. */
    String remedy(Setting setting) {
        String origin = values.stream()
                .filter(value -> value.setting() == setting)
                .map(Value::origin)
                .findFirst()
                .orElse("default");
        List<String> ways = new ArrayList<>();
        setting.flag().ifPresent(ways::add);
        ways.add(setting.variable());
        ways.addAll(setting.aliases());
        return "\n    " + setting.key() + " (now from " + origin + ") is changed by " + String.join(", ", ways)
                + " or in " + file;
    }

    /** One value; {@code origin} says default, file, the variable or the flag. */
    record Value(Setting setting, String text, String origin) {
        /** The text as it may be shown to anybody. */
        String shown() {
            return setting.isSecret() && !text.isEmpty() ? "********" : text;
        }
    }
}

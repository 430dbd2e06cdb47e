package dev.sandlot.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads the settings file into flat keys: {@code listen: {api-port: 1}} becomes {@code listen.api-port}. */
final class SettingsFile {
    private final Path path;
    private final Map<String, String> values = new LinkedHashMap<>();
    private final List<String> problems = new ArrayList<>();

    private SettingsFile(Path path) {
        this.path = path;
    }

    /** Reads the file. What is wrong with it is in {@link #problems()}. */
    static SettingsFile read(Path path) {
        SettingsFile file = new SettingsFile(path);
        file.load();
        return file;
    }

    Map<String, String> values() {
        return values;
    }

    List<String> problems() {
        return problems;
    }

    private void load() {
        try {
            Object root = new Load(
                            LoadSettings.builder().setLabel(path.toString()).build())
                    .loadFromString(Files.readString(path, StandardCharsets.UTF_8));
            if (root != null) {
                flatten("", root);
            }
        } catch (YamlEngineException e) {
            problems.add(path + " is not YAML: " + where(e));
        } catch (IOException e) {
            problems.add("could not read " + path + ": " + Failures.describe(e));
        }
    }

    /** The place and the problem, without the drawing of it. */
    private static String where(YamlEngineException failure) {
        if (failure instanceof MarkedYamlEngineException marked
                && marked.getProblemMark().isPresent()) {
            Mark mark = marked.getProblemMark().get();
            return "line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1) + ": " + marked.getProblem();
        }
        return String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
    }

    private void flatten(String key, @Nullable Object node) {
        if (node instanceof Map<?, ?> map) {
            map.forEach((name, value) -> flatten(key.isEmpty() ? name + "" : key + "." + name, value));
        } else if (key.isEmpty() || node instanceof List) {
            problems.add(path + ": " + (key.isEmpty() ? "the file" : key)
                    + " must hold keys and values, not a list or a text");
        } else if (node == null && isSection(key)) {
            return;
        } else if (Setting.ofKey(key).isEmpty()) {
            problems.add(path + ": unknown key " + key);
        } else {
            values.put(key, node == null ? "" : node.toString());
        }
    }

    /** One whose keys are all commented out holds nothing. */
    private static boolean isSection(String key) {
        return Stream.of(Setting.values()).anyMatch(setting -> setting.key().startsWith(key + "."));
    }
}

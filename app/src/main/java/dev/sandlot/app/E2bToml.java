package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.toml.TomlMapper;

/** The file in which older clients keep how a template is built (template-build.md 17.1). Other keys are ignored. */
@SuppressWarnings("OptionalUsedAsFieldOrParameterType")
record E2bToml(
        Optional<String> templateId,
        Optional<String> templateName,
        Optional<String> dockerfile,
        Optional<String> startCommand,
        Optional<String> readyCommand,
        Optional<Integer> cpuCount,
        Optional<Integer> memoryMb) {
    static final String NAME = "e2b.toml";

    /** That of a directory; empty in all when it has none. */
    static E2bToml of(Path directory) throws IOException {
        try {
            return of(new TomlMapper().readTree(Files.readString(directory.resolve(NAME))));
        } catch (NoSuchFileException e) {
            return of(new TomlMapper().createObjectNode());
        } catch (JacksonException e) {
            throw new CommandException(ExitCode.USAGE, NAME + " cannot be read: " + e.getOriginalMessage());
        }
    }

    private static E2bToml of(JsonNode root) {
        return new E2bToml(
                text(root, "template_id"),
                text(root, "template_name"),
                text(root, "dockerfile"),
                text(root, "start_cmd"),
                text(root, "ready_cmd"),
                number(root, "cpu_count"),
                number(root, "memory_mb"));
    }

    private static Optional<String> text(JsonNode root, String key) {
        JsonNode value = root.path(key);
        if (!value.isMissingNode() && !value.isString()) {
            throw new CommandException(ExitCode.USAGE, NAME + ": " + key + " is not a text");
        }
        return value.isString() ? Optional.of(value.stringValue()) : Optional.empty();
    }

    private static Optional<Integer> number(JsonNode root, String key) {
        JsonNode value = root.path(key);
        if (!value.isMissingNode() && !value.canConvertToInt()) {
            throw new CommandException(ExitCode.USAGE, NAME + ": " + key + " is not a whole number");
        }
        return value.isMissingNode() ? Optional.empty() : Optional.of(value.intValue());
    }
}

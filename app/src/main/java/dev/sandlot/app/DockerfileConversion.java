package dev.sandlot.app;

import dev.sandlot.app.Dockerfile.Flag;
import dev.sandlot.app.Dockerfile.Instruction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Turns a Dockerfile into a recipe, as the official clients do (template-build.md 19). For one use. */
final class DockerfileConversion {
    private static final String READY = "sleep 20";

    private final Dockerfile file;
    private final Map<String, String> buildArguments;
    private final Map<String, Optional<String>> beforeFrom = new HashMap<>();
    /** ENV and ARG so far, with their values as far as they are known without the image; each image has a PATH. */
    private final Map<String, Optional<String>> variables = new HashMap<>(Map.of("PATH", Optional.empty()));

    private final List<Recipe.Step> steps = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private @Nullable String image;
    private String start = "";
    private boolean hasUser;
    private boolean hasWorkdir;

    private DockerfileConversion(Dockerfile file, Map<String, String> buildArguments) {
        this.file = file;
        this.buildArguments = buildArguments;
    }

    /**
     * Converts.
     *
     * @param buildArguments values for ARG instructions
     * @throws IllegalArgumentException with line and reason when the file cannot be built here
     */
    static Recipe convert(Dockerfile file, Map<String, String> buildArguments) {
        return new DockerfileConversion(file, buildArguments).recipe();
    }

    private Recipe recipe() {
        step("USER", List.of("root"));
        step("WORKDIR", List.of("/"));
        file.instructions().forEach(this::take);
        if (image == null) {
            throw new IllegalArgumentException("the Dockerfile has no FROM");
        }
        if (!hasUser) {
            step("USER", List.of("user"));
        }
        if (!hasWorkdir) {
            step("WORKDIR", List.of("/home/user"));
        }
        return new Recipe(image, steps, start, start.isEmpty() ? "" : READY, warnings);
    }

    private void step(String type, List<String> arguments) {
        steps.add(new Recipe.Step(type, arguments));
    }

    private void take(Instruction instruction) {
        if (image == null
                && !instruction.name().equals("FROM")
                && !instruction.name().equals("ARG")) {
            throw Dockerfile.problem(instruction.line(), instruction.name() + " before FROM");
        }
        switch (instruction.name()) {
            case "FROM" -> from(instruction);
            case "RUN" -> step("RUN", List.of(command(instruction)));
            case "COPY", "ADD" -> copy(instruction);
            case "WORKDIR" -> workdir(instruction);
            case "USER" -> user(instruction);
            case "ENV" -> environment(instruction);
            case "ARG" -> argument(instruction);
            case "CMD", "ENTRYPOINT" -> start = command(instruction);
            case "EXPOSE", "VOLUME" -> {}
            default ->
                warnings.add(
                        "line " + instruction.line() + ": " + instruction.name() + " is not supported and left out");
        }
    }

    private void from(Instruction instruction) {
        if (image != null) {
            throw Dockerfile.problem(instruction.line(), "a second FROM: several stages are not supported");
        }
        List<String> words = words(instruction);
        if (words.isEmpty()) {
            throw Dockerfile.problem(instruction.line(), "FROM without an image");
        }
        image = word(instruction, words.getFirst())
                .expand(beforeFrom)
                .orElseThrow(() -> Dockerfile.problem(
                        instruction.line(),
                        "FROM: no ARG before it gives a variable in '" + words.getFirst() + "' its value"));
        if (instruction.flags().stream().anyMatch(flag -> flag.name().equals("platform"))) {
            warnings.add("line " + instruction.line() + ": --platform is left out; templates are of the server's own");
        }
    }

    /** The text with variables put in; refused when one is not of this file, since the image is not known here. */
    private String expanded(Instruction instruction, String text) {
        return word(instruction, text).expand(variables).orElseThrow(() -> unknown(instruction, text));
    }

    private static IllegalArgumentException unknown(Instruction instruction, String text) {
        return Dockerfile.problem(
                instruction.line(),
                instruction.name() + ": no ENV or ARG of this Dockerfile gives a variable in '" + text + "' its value");
    }

    private DockerfileWord word(Instruction instruction, String text) {
        try {
            return DockerfileWord.of(text, file.escape());
        } catch (IllegalArgumentException e) {
            throw Dockerfile.problem(instruction.line(), instruction.name() + ": " + e.getMessage());
        }
    }

    private List<String> words(Instruction instruction) {
        return DockerfileWords.of(instruction.arguments(), file.escape());
    }

    private static String command(Instruction instruction) {
        List<String> list = DockerfileWords.list(instruction.arguments());
        String text = list.isEmpty() ? instruction.arguments() : DockerfileWords.shellLine(list);
        if (text.isBlank()) {
            throw Dockerfile.problem(instruction.line(), instruction.name() + " without a command");
        }
        return text;
    }

    private void copy(Instruction instruction) {
        String owner = "";
        for (Flag flag : instruction.flags()) {
            switch (flag.name()) {
                case "chown" -> owner = expanded(instruction, flag.value());
                case "from" ->
                    throw Dockerfile.problem(
                            instruction.line(), instruction.name() + " --from: several stages are not supported");
                default -> warnings.add("line " + instruction.line() + ": --" + flag.name() + " is left out");
            }
        }
        List<String> words = words(instruction).stream()
                .map(word -> expanded(instruction, word))
                .toList();
        if (words.size() < 2) {
            throw Dockerfile.problem(instruction.line(), instruction.name() + " needs a source and a target");
        }
        for (String source : words.subList(0, words.size() - 1)) {
            if (source.matches("(?i)(https?|git|ssh)://.*|git@.*")) {
                throw Dockerfile.problem(instruction.line(), "ADD of an address is not supported; use RUN with curl");
            }
            step("COPY", List.of(source, words.getLast(), owner, ""));
        }
    }

    private void workdir(Instruction instruction) {
        hasWorkdir = true;
        step("WORKDIR", List.of(expanded(instruction, only(instruction))));
    }

    private void user(Instruction instruction) {
        hasUser = true;
        step("USER", List.of(expanded(instruction, only(instruction))));
    }

    private String only(Instruction instruction) {
        List<String> words = words(instruction);
        if (words.isEmpty()) {
            throw Dockerfile.problem(instruction.line(), instruction.name() + " without a value");
        }
        return String.join(" ", words);
    }

    /** A variable of one pair is not yet known in the next. */
    private void environment(Instruction instruction) {
        List<String> pairs = pairs(instruction);
        Map<String, Optional<String>> values = new LinkedHashMap<>();
        List<String> arguments = new ArrayList<>();
        for (int i = 0; i < pairs.size(); i += 2) {
            String name = expanded(instruction, pairs.get(i));
            String text = pairs.get(i + 1);
            DockerfileWord value = word(instruction, text);
            arguments.add(name);
            arguments.add(value.forServer(variables).orElseThrow(() -> unknown(instruction, text)));
            values.put(name, value.expand(variables));
        }
        step("ENV", arguments);
        variables.putAll(values);
    }

    /** {@code A=1 B=2}, or the older {@code A the rest of the line}; as written. */
    private List<String> pairs(Instruction instruction) {
        List<String> words = words(instruction);
        if (words.isEmpty()) {
            throw Dockerfile.problem(instruction.line(), "ENV without a name");
        }
        if (!words.getFirst().contains("=")) {
            String[] pair = instruction.arguments().split("\\s+", 2);
            if (pair.length < 2) {
                throw Dockerfile.problem(instruction.line(), "ENV " + pair[0] + " has no value");
            }
            return List.of(pair);
        }
        List<String> pairs = new ArrayList<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals <= 0) {
                throw Dockerfile.problem(instruction.line(), "'" + word + "' is not of the form NAME=value");
            }
            pairs.add(word.substring(0, equals));
            pairs.add(word.substring(equals + 1));
        }
        return pairs;
    }

    private void argument(Instruction instruction) {
        for (String text : words(instruction)) {
            int equals = text.indexOf('=');
            String name = equals < 0 ? text : text.substring(0, equals);
            Map<String, Optional<String>> scope = image == null ? beforeFrom : variables;
            DockerfileWord value = argument(instruction, name, equals < 0 ? "" : text.substring(equals + 1));
            if (image != null) {
                step("ENV", List.of(name, value.forServer(scope).orElseThrow(() -> unknown(instruction, text))));
            }
            scope.put(name, value.expand(scope));
        }
    }

    /** The value that the command line gives, the default, or that of an ARG before FROM. */
    private DockerfileWord argument(Instruction instruction, String name, String byDefault) {
        String given = buildArguments.get(name);
        if (given != null) {
            return DockerfileWord.literal(given);
        }
        boolean isSaidBefore = image != null && byDefault.isEmpty();
        Optional<String> before = isSaidBefore ? beforeFrom.getOrDefault(name, Optional.empty()) : Optional.empty();
        return before.map(DockerfileWord::literal).orElseGet(() -> word(instruction, byDefault));
    }
}

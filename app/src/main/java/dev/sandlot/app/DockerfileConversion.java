package dev.sandlot.app;

import dev.sandlot.app.Dockerfile.Flag;
import dev.sandlot.app.Dockerfile.Instruction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a Dockerfile into a recipe, as the official clients do (template-build.md 19). For one use. */
final class DockerfileConversion {
    private static final String READY = "sleep 20";

    private final Dockerfile file;
    private final Map<String, String> buildArguments;
    private final Map<String, String> beforeFrom = new HashMap<>();
    /** ENV and ARG so far, as far as their values are known without the image. */
    private final Map<String, String> variables = new HashMap<>();

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
        image = DockerfileWords.expand(words.getFirst(), beforeFrom);
        if (instruction.flags().stream().anyMatch(flag -> flag.name().equals("platform"))) {
            warnings.add("line " + instruction.line() + ": --platform is left out; templates are of the server's own");
        }
    }

    /** The text with variables put in; refused when one is not of this file, since the image is not known here. */
    private String expanded(Instruction instruction, String text) {
        return DockerfileWords.expandKnown(text, variables)
                .orElseThrow(() -> Dockerfile.problem(
                        instruction.line(),
                        instruction.name() + ": no ENV or ARG of this Dockerfile gives a variable in '" + text
                                + "' its value"));
    }

    private void set(String name, String value) {
        DockerfileWords.expandKnown(value, variables)
                .ifPresentOrElse(known -> variables.put(name, known), () -> variables.remove(name));
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

    /** A group beside the user has no form in templates. */
    private void user(Instruction instruction) {
        hasUser = true;
        String name = expanded(instruction, only(instruction));
        int colon = name.indexOf(':');
        if (colon >= 0) {
            warnings.add("line " + instruction.line() + ": the group of USER is left out");
        }
        step("USER", List.of(colon < 0 ? name : name.substring(0, colon)));
    }

    private String only(Instruction instruction) {
        List<String> words = words(instruction);
        if (words.isEmpty()) {
            throw Dockerfile.problem(instruction.line(), instruction.name() + " without a value");
        }
        return String.join(" ", words);
    }

    private void environment(Instruction instruction) {
        List<String> pairs = pairs(instruction);
        step("ENV", pairs);
        for (int i = 0; i < pairs.size(); i += 2) {
            set(pairs.get(i), pairs.get(i + 1));
        }
    }

    /** {@code A=1 B=2}, or the older {@code A the rest of the line}. */
    private List<String> pairs(Instruction instruction) {
        List<String> words = words(instruction);
        if (words.isEmpty()) {
            throw Dockerfile.problem(instruction.line(), "ENV without a name");
        }
        if (!words.getFirst().contains("=")) {
            return List.of(words.getFirst(), String.join(" ", words.subList(1, words.size())));
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
        for (String word : words(instruction)) {
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals);
            String given = buildArguments.get(name);
            String value = given != null ? given : equals < 0 ? "" : word.substring(equals + 1);
            if (image == null) {
                beforeFrom.put(name, value);
            } else {
                boolean isKnown = given == null && equals < 0 && beforeFrom.containsKey(name);
                String chosen = isKnown ? beforeFrom.getOrDefault(name, "") : value;
                step("ENV", List.of(name, chosen));
                set(name, chosen);
            }
        }
    }
}

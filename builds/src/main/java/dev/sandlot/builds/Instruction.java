package dev.sandlot.builds;

import dev.sandlot.protocol.BuildPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What a step asks for, checked (template-build.md 5). */
sealed interface Instruction {
    Pattern USER_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]{0,31}");
    Pattern VARIABLE = Pattern.compile("[^=\0]+");

    /** @param user who runs it; empty for the context's user */
    record Run(String command, String user) implements Instruction {}

    /** @param values as written, nothing expanded yet */
    record Env(Map<String, String> values) implements Instruction {}

    /** @param path absolute or not */
    record Workdir(String path) implements Instruction {}

    /** @param admin whether the user may do everything without a password */
    record User(String name, boolean admin) implements Instruction {}

    /** @param filesHash names the upload */
    record Copy(String source, String target, String owner, String mode, String filesHash) implements Instruction {}

    /**
     * Reads a step.
     *
     * @param number of the step, as failures tell it
     */
    static Instruction of(BuildPlan.Step step, String number) throws BuildFailure {
        List<String> args = step.args();
        String type = step.type().toUpperCase(Locale.ROOT);
        for (String arg : args) {
            require(arg.indexOf('\0') < 0, number, type + " has an argument with a zero byte");
        }
        return switch (type) {
            case "RUN" -> run(args, number);
            case "ENV", "ARG" -> env(type, args, number);
            case "WORKDIR" -> workdir(args, number);
            case "USER" -> user(args, number);
            case "COPY", "ADD" -> copy(type, step, number);
            default -> throw new BuildFailure(number, "step type '" + step.type() + "' is not implemented");
        };
    }

    private static Run run(List<String> args, String number) throws BuildFailure {
        require(!args.isEmpty() && !args.getFirst().isEmpty(), number, "RUN needs a command");
        String user = at(args, 1);
        requireUser(user.isEmpty() ? "root" : user, number);
        return new Run(args.getFirst(), user);
    }

    private static Env env(String type, List<String> args, String number) throws BuildFailure {
        require(!args.isEmpty(), number, type + " needs at least one name and value");
        require(args.size() % 2 == 0, number, type + " needs a value for every name");
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < args.size(); i += 2) {
            String name = args.get(i);
            require(VARIABLE.matcher(name).matches(), number, type + " has an unfit name: '" + name + "'");
            values.put(name, args.get(i + 1));
        }
        return new Env(values);
    }

    private static Workdir workdir(List<String> args, String number) throws BuildFailure {
        require(!args.isEmpty() && !args.getFirst().isEmpty(), number, "WORKDIR needs a path");
        return new Workdir(args.getFirst());
    }

    private static User user(List<String> args, String number) throws BuildFailure {
        require(!args.isEmpty() && !args.getFirst().isEmpty(), number, "USER needs a name");
        requireUser(args.getFirst(), number);
        return new User(args.getFirst(), at(args, 1).equalsIgnoreCase("true"));
    }

    private static Copy copy(String type, BuildPlan.Step step, String number) throws BuildFailure {
        List<String> args = step.args();
        require(args.size() >= 2, number, type + " needs a source and a target");
        String hash = step.filesHash() == null ? "" : step.filesHash();
        require(Uploads.isHash(hash), number, type + " needs the hash of its uploaded files");
        return new Copy(args.get(0), args.get(1), at(args, 2), at(args, 3), hash);
    }

    private static String at(List<String> args, int index) {
        return args.size() > index ? args.get(index) : "";
    }

    private static void requireUser(String name, String number) throws BuildFailure {
        require(USER_NAME.matcher(name).matches(), number, "'" + name + "' is not a user name");
    }

    private static void require(boolean condition, String number, String message) throws BuildFailure {
        if (!condition) {
            throw new BuildFailure(number, message);
        }
    }
}

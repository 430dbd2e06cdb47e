package dev.sandlot.builds;

import dev.sandlot.protocol.BuildPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a step asks for, checked (template-build.md 5). */
sealed interface Instruction {
    String NAME = "[A-Za-z_][A-Za-z0-9_.-]{0,31}";
    /** Numbers to 65534, the last one that a sandbox has a user of. */
    String NUMBER = "0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-4])";

    Pattern USER =
            Pattern.compile("(?:(?<name>" + NAME + ")|" + NUMBER + ")(?::(?<group>" + NAME + "|" + NUMBER + ")?)?");
    Pattern VARIABLE = Pattern.compile("[^=\0]+");

    /** @param user who runs it; empty for the context's user */
    record Run(String command, String user) implements Instruction {}

    /** @param values as written, nothing expanded yet */
    record Env(Map<String, String> values) implements Instruction {}

    /** @param path absolute or not */
    record Workdir(String path) implements Instruction {}

    /**
     * @param text the user and, after a colon, the group; each a name or a number
     * @param name the user's, to be made if it is not there; empty for a number
     * @param admin whether the user may do everything without a password
     */
    record User(String text, String name, boolean admin) implements Instruction {}

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
        Matcher _ = user(user.isEmpty() ? "root" : user, number);
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
        String text = args.getFirst();
        String name = Objects.requireNonNullElse(user(text, number).group("name"), "");
        boolean admin = at(args, 1).equalsIgnoreCase("true");
        require(!admin || !name.isEmpty(), number, "'" + text + "' is a number; an administrator needs a name");
        return new User(text, name, admin);
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

    private static Matcher user(String text, String number) throws BuildFailure {
        Matcher matcher = USER.matcher(text);
        require(
                matcher.matches(),
                number,
                "'" + text + "' is not a user: USER or USER:GROUP, each a name or a number up to 65534");
        return matcher;
    }

    private static void require(boolean condition, String number, String message) throws BuildFailure {
        if (!condition) {
            throw new BuildFailure(number, message);
        }
    }
}

package dev.sandlot.app;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** The options of every operator's command, and the way from them to the server and back to the screen. */
final class AdminOptions {
    @Mixin
    private final InstallationOptions installation = new InstallationOptions();

    @Option(names = "--json", description = "Print the server's answer as JSON.")
    private boolean json;

    /** Asks the server and shows what it answers. */
    @FunctionalInterface
    interface Question {
        JsonNode ask(AdminApi api) throws IOException, InterruptedException;
    }

    /**
     * Asks the running server.
     *
     * @param columns what a person sees of the answer, as paths into it such as {@code limits/maxVcpu}
     */
    int show(Surroundings surroundings, Question question, String... columns) throws IOException, InterruptedException {
        JsonNode answer = answer(surroundings, question);
        if (json) {
            surroundings.out().println(answer.isMissingNode() ? "{}" : answer.toString());
        } else if (answer.isArray()) {
            table(surroundings.out(), answer, columns);
        } else if (answer.isMissingNode()) {
            surroundings.out().println("Done.");
        } else {
            lines(surroundings.out(), answer, columns);
        }
        return ExitCode.OK;
    }

    /** Asks the running server for something that is not for the screen. */
    int quietly(Surroundings surroundings, Question question) throws IOException, InterruptedException {
        JsonNode _ = answer(surroundings, question);
        return ExitCode.OK;
    }

    private JsonNode answer(Surroundings surroundings, Question question) throws IOException, InterruptedException {
        Settings settings = installation.load(surroundings).settings();
        Optional<Instance.Serving> serving = new Instance(settings).serving();
        if (serving.isEmpty()) {
            throw new CommandException(
                    ExitCode.NOT_RUNNING,
                    "no server runs for " + settings.dataDir() + "; operators' commands need one: `sandlot up`");
        }
        try (AdminApi api = new AdminApi(serving.get().api(), token(settings))) {
            return question.ask(api);
        }
    }

    private static String token(Settings settings) throws IOException {
        String told = settings.secrets().adminToken();
        return told != null
                ? told
                : new Layout(settings.dataDir())
                        .adminToken()
                        .read()
                        .orElseThrow(() -> new CommandException(
                                ExitCode.FAILED,
                                "the operator's token is not in " + settings.dataDir()
                                        + "; set ADMIN_TOKEN to the one the server was started with"));
    }

    private static void table(PrintStream out, JsonNode rows, String... columns) {
        List<List<String>> cells = new ArrayList<>();
        cells.add(List.of(columns));
        rows.forEach(row -> cells.add(cells(row, columns)));
        for (List<String> row : cells) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns.length; i++) {
                int column = i;
                int width = cells.stream()
                        .mapToInt(each -> each.get(column).length())
                        .max()
                        .orElse(0);
                line.append(row.get(i)).repeat(' ', width - row.get(i).length() + 2);
            }
            out.println(line.toString().stripTrailing());
        }
    }

    private static List<String> cells(JsonNode row, String... columns) {
        List<String> cells = new ArrayList<>();
        for (String column : columns) {
            cells.add(text(row.at("/" + column)));
        }
        return cells;
    }

    private static void lines(PrintStream out, JsonNode answer, String... names) {
        for (String name : names) {
            JsonNode value = answer.at("/" + name);
            if (!value.isMissingNode()) {
                out.printf("%-28s %s%n", name, text(value));
            }
        }
    }

    private static String text(JsonNode value) {
        return value.isMissingNode() || value.isNull()
                ? "-"
                : printable(value.isString() ? value.stringValue() : value.toString());
    }

    /** Names are of people's choosing; nothing in them steers the terminal or turns the direction of its text. */
    static String printable(String text) {
        return text.replaceAll("[\\p{Cc}\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069]", "?");
    }

    /** The ID of a team that is told by ID, public project ID or slug. */
    static String team(AdminApi api, String told) throws IOException, InterruptedException {
        if (isUuid(told) || told.startsWith("prj_")) {
            return told;
        }
        return found(api.get("/admin/teams"), "slug", told, "teamID", "team");
    }

    /** The ID of a user that is told by ID or mail address. */
    static String user(AdminApi api, String told) throws IOException, InterruptedException {
        return isUuid(told) ? told : found(api.get("/admin/users"), "email", told, "userID", "user");
    }

    private static String found(JsonNode all, String property, String wanted, String id, String what) {
        List<String> matches = all.valueStream()
                .filter(item -> item.path(property).asString("").equals(wanted))
                .map(item -> item.path(id).asString(""))
                .toList();
        if (matches.size() != 1) {
            throw new CommandException(
                    ExitCode.FAILED,
                    matches.isEmpty()
                            ? "there is no " + what + " " + wanted
                            : "there are " + matches.size() + " of " + what + " " + wanted + "; name one by its ID");
        }
        return matches.getFirst();
    }

    private static boolean isUuid(String text) {
        try {
            return UUID.fromString(text).toString().equalsIgnoreCase(text);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}

package dev.sandlot.app;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Builds a template from a directory with a Dockerfile, over the public API (template-build.md 18, 19). */
@Command(
        name = "build",
        description = "Build a template from a directory with a Dockerfile.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Exit code 1 when the build fails. Ctrl-C stops watching; a build that was started goes on.",
            "An e2b.toml in the directory says what the command line does not."
        })
final class TemplateBuildCommand implements Callable<Integer> {
    private static final List<String> DOCKERFILES = List.of("e2b.Dockerfile", "Dockerfile");
    private static final long POLL_MILLIS = 200;
    /** As many lines as an answer has at most (template-build.md 11); more are there then. */
    private static final int FULL_PAGE = 100;

    private final Surroundings surroundings;

    @Mixin
    private final Connection connection = new Connection();

    @Parameters(paramLabel = "DIR", defaultValue = ".", description = "The directory (default: this one).")
    private Path directory = Path.of(".");

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "The Dockerfile (default: e2b.Dockerfile or Dockerfile in the directory).")
    private @Nullable Path file;

    @Option(
            names = {"-n", "--name"},
            paramLabel = "NAME",
            description = "The template's name (default: that of e2b.toml, else of the directory).")
    private @Nullable String name;

    @Option(
            names = {"-t", "--tag"},
            paramLabel = "TAG",
            description = "A tag of the build; may be repeated.")
    private List<String> tags = List.of();

    @Option(names = "--cpu", paramLabel = "N", description = "Processors of its sandboxes.")
    private @Nullable Integer cpu;

    @Option(names = "--memory", paramLabel = "MIB", description = "Memory of its sandboxes.")
    private @Nullable Integer memory;

    @Option(names = "--no-cache", description = "Run every step again.")
    private boolean noCache;

    @Option(names = "--start-cmd", paramLabel = "COMMAND", description = "What runs in every sandbox; empty: nothing.")
    private @Nullable String startCommand;

    @Option(
            names = "--ready-cmd",
            paramLabel = "COMMAND",
            description = "What succeeds once it is ready; empty: nothing.")
    private @Nullable String readyCommand;

    @Option(names = "--build-arg", paramLabel = "NAME=VALUE", description = "A value for an ARG; may be repeated.")
    private Map<String, String> buildArguments = new HashMap<>();

    @Option(names = "--debug", description = "Show all that the builder tells.")
    private boolean debug;

    TemplateBuildCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!Files.isDirectory(directory)) {
            throw new CommandException(ExitCode.USAGE, directory + " is not a directory");
        }
        if (file != null && !Files.isRegularFile(file)) {
            throw new CommandException(ExitCode.USAGE, file + " is not a file");
        }
        Path context = directory.toRealPath();
        E2bToml toml = E2bToml.of(context);
        try (TemplateApi api = connection.open(surroundings)) {
            Recipe recipe = recipe(context, toml);
            recipe.warnings().forEach(warning -> surroundings.err().println("warning: " + warning));
            List<SourceFiles> sources = sources(context, recipe);
            TemplateApi.Requested build = api.request(request(context, toml, api));
            surroundings
                    .out()
                    .println("Template " + String.join(" ", build.names()) + " (" + build.templateId() + "), build "
                            + build.buildId());
            api.start(build, plan(recipe, sources, upload(api, build, recipe, sources)));
            return watch(api, build);
        } catch (TemplateApi.Refusal e) {
            throw new CommandException(
                    e.status() == 400 ? ExitCode.USAGE : ExitCode.FAILED, String.valueOf(e.getMessage()));
        }
    }

    private Recipe recipe(Path context, E2bToml toml) throws IOException {
        Path dockerfile = dockerfile(context, toml);
        try {
            return DockerfileConversion.convert(Dockerfile.parse(Files.readString(dockerfile)), buildArguments)
                    .withCommands(
                            Optional.ofNullable(startCommand).or(() -> said(toml.startCommand())),
                            Optional.ofNullable(readyCommand).or(() -> said(toml.readyCommand())));
        } catch (IllegalArgumentException e) {
            throw new CommandException(ExitCode.USAGE, dockerfile + ": " + e.getMessage());
        }
    }

    /** An empty command of the file says nothing, as with the clients that wrote it. */
    private static Optional<String> said(Optional<String> command) {
        return command.filter(text -> !text.isEmpty());
    }

    private Path dockerfile(Path context, E2bToml toml) {
        if (file != null) {
            return file;
        }
        if (toml.dockerfile().isPresent()) {
            return context.resolve(toml.dockerfile().get());
        }
        return DOCKERFILES.stream()
                .map(context::resolve)
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(() -> new CommandException(
                        ExitCode.USAGE, context + " has neither an " + String.join(" nor a ", DOCKERFILES)));
    }

    /** One for each COPY step, in their order. */
    private static List<SourceFiles> sources(Path context, Recipe recipe) throws IOException {
        IgnoreRules ignored = IgnoreRules.of(context);
        List<SourceFiles> sources = new ArrayList<>();
        for (Recipe.Step step : recipe.steps()) {
            if (step.isCopy()) {
                try {
                    sources.add(SourceFiles.find(context, step.arguments().getFirst(), ignored));
                } catch (IllegalArgumentException e) {
                    throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()));
                }
            }
        }
        return sources;
    }

    private Map<String, Object> request(Path context, E2bToml toml, TemplateApi api)
            throws IOException, InterruptedException {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("name", templateName(context, toml, api));
        if (!tags.isEmpty()) {
            request.put("tags", tags);
        }
        Optional.ofNullable(cpu).or(toml::cpuCount).ifPresent(count -> request.put("cpuCount", count));
        Optional.ofNullable(memory).or(toml::memoryMb).ifPresent(size -> request.put("memoryMB", size));
        return request;
    }

    private String templateName(Path context, E2bToml toml, TemplateApi api) throws IOException, InterruptedException {
        if (name != null) {
            return name;
        }
        if (toml.templateName().isPresent()) {
            return toml.templateName().get();
        }
        if (toml.templateId().isPresent()) {
            List<String> names =
                    TemplateApi.texts(api.template(toml.templateId().get()).path("names"));
            if (!names.isEmpty()) {
                return names.getFirst();
            }
        }
        Path last = context.getFileName();
        if (last == null) {
            throw new CommandException(ExitCode.USAGE, "say what the template is called: --name NAME");
        }
        return last.toString();
    }

    /** Sends what is not there yet; the hashes, one for each COPY step. */
    private List<String> upload(TemplateApi api, TemplateApi.Requested build, Recipe recipe, List<SourceFiles> sources)
            throws IOException, InterruptedException {
        List<String> hashes = new ArrayList<>();
        List<Recipe.Step> copies =
                recipe.steps().stream().filter(Recipe.Step::isCopy).toList();
        for (int i = 0; i < copies.size(); i++) {
            String hash = sources.get(i).hash(copies.get(i).arguments().get(1));
            TemplateApi.Upload upload = api.upload(build.templateId(), hash);
            if (!upload.present()) {
                send(api, upload, sources.get(i));
            }
            hashes.add(hash);
        }
        return hashes;
    }

    private void send(TemplateApi api, TemplateApi.Upload upload, SourceFiles source)
            throws IOException, InterruptedException {
        Path archive = Files.createTempFile("sandlot-", ".tar.gz");
        try {
            try (OutputStream out = Files.newOutputStream(archive)) {
                source.pack(out);
            }
            surroundings
                    .out()
                    .println("sending " + source.source() + " (" + (Files.size(archive) + 1023) / 1024 + " KiB)");
            api.send(upload, archive);
        } finally {
            Files.delete(archive);
        }
    }

    private Map<String, Object> plan(Recipe recipe, List<SourceFiles> sources, List<String> hashes) {
        List<Map<String, Object>> steps = new ArrayList<>();
        int copies = 0;
        for (Recipe.Step step : recipe.steps()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("type", step.type());
            List<String> arguments = new ArrayList<>(step.arguments());
            if (step.isCopy()) {
                arguments.set(0, sources.get(copies).source());
                one.put("filesHash", hashes.get(copies++));
            }
            one.put("args", arguments);
            steps.add(one);
        }
        Map<String, Object> plan = new LinkedHashMap<>();
        plan.put("fromImage", recipe.image());
        plan.put("force", noCache);
        plan.put("steps", steps);
        if (!recipe.startCommand().isEmpty()) {
            plan.put("startCmd", recipe.startCommand());
        }
        if (!recipe.readyCommand().isEmpty()) {
            plan.put("readyCmd", recipe.readyCommand());
        }
        return plan;
    }

    private int watch(TemplateApi api, TemplateApi.Requested build) throws IOException, InterruptedException {
        Thread farewell = new Thread(() -> surroundings
                .err()
                .println("\nsandlot: no longer watching; build " + build.buildId() + " goes on at the server"));
        Runtime.getRuntime().addShutdownHook(farewell);
        try {
            return follow(api, build);
        } finally {
            Runtime.getRuntime().removeShutdownHook(farewell);
        }
    }

    /** Reads on after the end until nothing more comes. */
    private int follow(TemplateApi api, TemplateApi.Requested build) throws IOException, InterruptedException {
        BuildProgress progress = new BuildProgress(surroundings.out());
        String level = debug ? "debug" : "info";
        int offset = 0;
        while (true) {
            JsonNode status = api.status(build, offset, level);
            JsonNode entries = status.path("logEntries");
            entries.forEach(progress::entry);
            offset += entries.size();
            String state = status.path("status").asString("");
            if (entries.isEmpty() && state.equals("ready")) {
                progress.ready();
                surroundings.out().println("Ready: " + build.names().getFirst() + " (" + build.templateId() + ")");
                return ExitCode.OK;
            }
            if (entries.isEmpty() && state.equals("error")) {
                String reason = status.path("reason").path("message").asString("the build failed");
                progress.failed(reason);
                String step = status.path("reason").path("step").asString("");
                surroundings.err().println("sandlot: " + place(step) + reason);
                return ExitCode.FAILED;
            }
            if (entries.size() < FULL_PAGE) {
                Thread.sleep(POLL_MILLIS);
            }
        }
    }

    /** What failed: the number of a step, or the name of what comes before and after all steps. */
    private static String place(String step) {
        if (step.isEmpty()) {
            return "";
        }
        return (Character.isDigit(step.charAt(0)) ? "step " + step : step) + ": ";
    }
}

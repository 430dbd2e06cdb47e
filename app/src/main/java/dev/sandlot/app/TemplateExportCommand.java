package dev.sandlot.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Takes a template out of the running server; the description comes last, so a directory with it is whole. */
@Command(
        name = "export",
        description = "Write a template as rootfs.tar, image.tar (an OCI image layout) and metadata.json.",
        mixinStandardHelpOptions = true)
final class TemplateExportCommand implements Callable<Integer> {
    private static final String METADATA = "metadata.json";
    private static final List<String> ARCHIVES = List.of("rootfs.tar", "image.tar");

    private final Surroundings surroundings;

    @Mixin
    private final AdminOptions options = new AdminOptions();

    @Parameters(
            index = "0",
            paramLabel = "TEMPLATE",
            description = "An ID, TEAM/NAME, or the name of a template of the server itself; with or without :TAG.")
    private String template = "";

    @Parameters(index = "1", paramLabel = "DIR", description = "Is made; when it is there it must be empty.")
    private Path directory = Path.of("");

    TemplateExportCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        return options.show(surroundings, this::export, "templateID", "buildID", "cpuCount", "memoryMB", "diskSizeMB");
    }

    private JsonNode export(AdminApi api) throws IOException, InterruptedException {
        JsonNode metadata = api.get(path(template));
        requireEmpty();
        String build = path(metadata.path("templateID").asString("") + ":"
                + metadata.path("buildID").asString(""));
        try {
            for (String archive : ARCHIVES) {
                api.download(build + "/" + archive, directory.resolve(archive));
            }
            Files.write(
                    directory.resolve(METADATA), (metadata.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException | InterruptedException | RuntimeException e) {
            removeParts(e);
            throw e;
        }
        return metadata;
    }

    private static String path(String template) {
        return AdminApi.path("admin", "templates", template, "export");
    }

    private void requireEmpty() throws IOException {
        Files.createDirectories(directory);
        try (Stream<Path> files = Files.list(directory)) {
            if (files.findAny().isPresent()) {
                throw new CommandException(ExitCode.FAILED, directory + " is not empty");
            }
        }
    }

    private void removeParts(Exception cause) {
        for (String archive : ARCHIVES) {
            try {
                Files.deleteIfExists(directory.resolve(archive));
            } catch (IOException e) {
                cause.addSuppressed(e);
            }
        }
    }
}

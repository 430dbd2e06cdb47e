package dev.sandlot.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/** Images that come and go as archives, for machines that reach no registry. */
@Command(
        name = "image",
        description = "Import images from archives for builds, list, export and delete them.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true)
final class ImageCommand extends AdminGroup {
    private static final String IMAGES = "/admin/images";
    private static final String STANDARD = "-";

    private final Surroundings surroundings;

    ImageCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Command(
            name = "import",
            description = "Import the images of a tar archive: an OCI image layout, or what `docker save` writes.",
            mixinStandardHelpOptions = true)
    int importArchive(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "FILE", description = "The archive, plain or compressed; - for standard input.")
                    String file,
            @Option(
                            names = "--name",
                            paramLabel = "REF",
                            description = "What its only image is to be called; else what the archive says.")
                    @Nullable String name)
            throws IOException, InterruptedException {
        return options.show(
                surroundings, api -> imported(api, file, name), "name", "digest", "bytes", "layers", "importedAt");
    }

    private JsonNode imported(AdminApi api, String file, @Nullable String name)
            throws IOException, InterruptedException {
        String path = name == null ? IMAGES : IMAGES + "?name=" + AdminApi.escaped(name);
        TransferProgress progress = new TransferProgress(surroundings.err());
        if (file.equals(STANDARD)) {
            return api.upload(path, new AdminApi.Upload(System.in, -1), progress);
        }
        Path archive = Path.of(file);
        requireFile(archive);
        try (InputStream in = Files.newInputStream(archive)) {
            return api.upload(path, new AdminApi.Upload(in, Files.size(archive)), progress);
        }
    }

    private static void requireFile(Path archive) {
        if (!Files.isRegularFile(archive) && (Files.isDirectory(archive) || Files.notExists(archive))) {
            throw new CommandException(ExitCode.USAGE, archive + " is not a file");
        }
    }

    @Command(
            name = "export",
            description = "Write an imported image as a tar archive with an OCI image layout.",
            mixinStandardHelpOptions = true)
    int export(
            @Mixin AdminOptions options,
            @Parameters(index = "0", paramLabel = "REF", description = "What the image is called.") String image,
            @Parameters(index = "1", paramLabel = "FILE", description = "A new file; - for standard output.")
                    String file)
            throws IOException, InterruptedException {
        return options.quietly(surroundings, api -> {
            String path = AdminApi.path("admin", "images", image, "image.tar");
            if (file.equals(STANDARD)) {
                download(api, path);
            } else {
                exported(api, path, Path.of(file));
            }
            return MissingNode.getInstance();
        });
    }

    private static void download(AdminApi api, String path) throws IOException, InterruptedException {
        try (OutputStream out = StandardOutput.raw()) {
            api.download(path, out);
        }
    }

    private void exported(AdminApi api, String path, Path file) throws IOException, InterruptedException {
        if (Files.exists(file)) {
            throw new CommandException(ExitCode.FAILED, file + " is there already");
        }
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (OutputStream out = Files.newOutputStream(part)) {
                api.download(path, new TransferProgress(surroundings.err()).counting(out));
            }
            Files.move(part, file);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    @Command(name = "list", description = "List the imported images.", mixinStandardHelpOptions = true)
    int list(@Mixin AdminOptions options) throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.get(IMAGES), "name", "digest", "bytes", "layers", "importedAt");
    }

    @Command(
            name = "delete",
            description = "Delete an imported image; templates that were built from it stay.",
            mixinStandardHelpOptions = true)
    int delete(
            @Mixin AdminOptions options,
            @Parameters(paramLabel = "REF", description = "What the image is called.") String image)
            throws IOException, InterruptedException {
        return options.show(surroundings, api -> api.delete(AdminApi.path("admin", "images", image)));
    }
}

package dev.sandlot.images;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** The record of one template as a JSON file in the pool. */
final class TemplateFile {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static final String SUFFIX = ".json";

    private final Path file;

    TemplateFile(Path pool, String name) {
        this.file = pool.resolve("templates").resolve(name + SUFFIX);
    }

    /** All records whose names begin alike. */
    static List<TemplateRecord> all(Path pool, String prefix) throws IOException {
        Path directory = pool.resolve("templates");
        List<TemplateRecord> found = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : (Iterable<Path>) files::iterator) {
                    String name = file.getFileName().toString();
                    if (name.startsWith(prefix) && name.endsWith(SUFFIX)) {
                        String plain = name.substring(0, name.length() - SUFFIX.length());
                        new TemplateFile(pool, plain).read().ifPresent(found::add);
                    }
                }
            }
        }
        return found;
    }

    Optional<TemplateRecord> read() throws IOException {
        try {
            return Optional.of(
                    JSON.readValue(Files.readAllBytes(file), Row.class).toRecord());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException("the template record " + file + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    void write(TemplateRecord template) throws IOException {
        OwnerOnly.directory(file.resolveSibling("."));
        DurableFiles.replace(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(Row.of(template)));
    }

    private record Row(
            String name,
            List<String> layers,
            String defaultUser,
            String workdir,
            Map<String, String> env,
            String sourceHash) {
        static Row of(TemplateRecord t) {
            List<String> layers = t.layers().stream().map(Digest::toString).toList();
            return new Row(
                    t.name(),
                    layers,
                    t.defaultUser(),
                    t.workdir(),
                    new TreeMap<>(t.env()),
                    t.sourceHash().toString());
        }

        TemplateRecord toRecord() {
            List<Digest> digests = layers.stream().map(Digest::parse).toList();
            return new TemplateRecord(name, digests, defaultUser, workdir, env, Digest.parse(sourceHash));
        }
    }
}

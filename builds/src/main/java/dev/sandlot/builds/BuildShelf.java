package dev.sandlot.builds;

import dev.sandlot.images.DurableFiles;
import dev.sandlot.linux.TreeRemoval;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuiltTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What is known of builds, on disk:
 *
 * <pre>
 * ID/plan.json   what was asked for, without credentials
 * ID/log         its {@link LogFile}
 * ID/state.json  how it ended; not there while it is at work, or when it was cut off
 * </pre>
 */
final class BuildShelf {
    private static final Logger LOG = LoggerFactory.getLogger(BuildShelf.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String PLAN = "plan.json";
    private static final String LOG_FILE = "log";
    private static final String STATE = "state.json";

    private final Path directory;

    BuildShelf(Path directory) throws IOException {
        this.directory = DurableFile.directory(directory);
    }

    /** The form of {@code plan.json}. */
    private record Asked(
            String templateId,
            UUID teamId,
            String origin,
            BuildPlan.Semantics semantics,
            List<BuildPlan.Step> steps,
            @Nullable String startCommand,
            @Nullable String readyCommand,
            boolean force) {}

    /** The form of {@code state.json}. */
    private record Ended(
            @Nullable BuiltTemplate built,
            @Nullable String message,
            @Nullable String step) {
        static Ended of(BuildState state) {
            return switch (state) {
                case BuildState.Ready ready -> new Ended(ready.built(), null, null);
                case BuildState.Failed failed -> new Ended(null, failed.message(), failed.step());
                case BuildState.Running _ -> throw new IllegalArgumentException("not an end");
            };
        }

        BuildState state() {
            if (built != null) {
                return new BuildState.Ready(built);
            }
            return new BuildState.Failed(message == null ? "" : message, step);
        }
    }

    /** Notes a build before anything is done for it. */
    void begin(BuildPlan plan) throws IOException {
        Path home = home(plan.buildId());
        DurableFile.directory(home);
        Asked asked = new Asked(
                plan.templateId(),
                plan.teamId(),
                origin(plan.origin()),
                plan.semantics(),
                plan.steps(),
                plan.startCommand(),
                plan.readyCommand(),
                plan.force());
        DurableFile.replace(home.resolve(PLAN), JSON.writeValueAsBytes(asked));
        DurableFiles.sync(directory);
    }

    private static String origin(BuildOrigin origin) {
        return switch (origin) {
            case BuildOrigin.Image image -> "image " + image.reference();
            case BuildOrigin.Parent parent -> "template " + parent.name() + " " + parent.buildId();
            case BuildOrigin.Pushed _ -> "pushed image";
            case BuildOrigin.Missing _ -> "missing template";
        };
    }

    boolean knows(UUID buildId) {
        return Files.isDirectory(home(buildId));
    }

    LogFile log(UUID buildId) throws IOException {
        return new LogFile(home(buildId).resolve(LOG_FILE));
    }

    List<BuildLogEntry> entries(UUID buildId) throws IOException {
        return LogFile.read(home(buildId).resolve(LOG_FILE));
    }

    void finish(UUID buildId, BuildState state) throws IOException {
        DurableFile.replace(home(buildId).resolve(STATE), JSON.writeValueAsBytes(Ended.of(state)));
    }

    /** How a build ended; empty when it has not, or is not known. */
    Optional<BuildState> end(UUID buildId) throws IOException {
        try {
            byte[] text = Files.readAllBytes(home(buildId).resolve(STATE));
            return Optional.of(JSON.readValue(text, Ended.class).state());
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (JacksonException e) {
            LOG.error("the state of build {} is damaged", buildId, e);
            return Optional.of(new BuildState.Failed("The record of this build is damaged", null));
        }
    }

    /** All builds; files of others in the directory are passed over. */
    List<UUID> all() throws IOException {
        List<UUID> found = new ArrayList<>();
        try (Stream<Path> homes = Files.list(directory)) {
            homes.map(home -> TeamFiles.uuid(home.getFileName().toString()))
                    .flatMap(Optional::stream)
                    .forEach(found::add);
        }
        return found;
    }

    void remove(UUID buildId) throws IOException {
        TreeRemoval.remove(home(buildId));
    }

    private Path home(UUID buildId) {
        return directory.resolve(buildId.toString());
    }
}

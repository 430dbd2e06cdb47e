package dev.sandlot.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The bodies that tell about templates (public-api.md 6.6). */
final class TemplateAnswers {
    private static final UUID NO_BUILD = new UUID(0, 0);

    private TemplateAnswers() {}

    private record ListedTemplate(
            String templateID,
            UUID buildID,
            int cpuCount,
            int memoryMB,
            int diskSizeMB,
            @JsonProperty("public") boolean isPublic,
            List<String> aliases,
            List<String> names,
            String createdAt,
            String updatedAt,
            @JsonInclude TeamKeys.@Nullable TeamUser createdBy,
            @JsonInclude @Nullable String lastSpawnedAt,
            long spawnCount,
            int buildCount,
            String envdVersion,
            String buildStatus) {}

    private record TemplateWithBuilds(
            String templateID,
            @JsonProperty("public") boolean isPublic,
            List<String> aliases,
            List<String> names,
            String createdAt,
            String updatedAt,
            @JsonInclude @Nullable String lastSpawnedAt,
            long spawnCount,
            List<ListedBuild> builds) {}

    private record ListedBuild(
            UUID buildID,
            String status,
            String createdAt,
            String updatedAt,
            @Nullable String finishedAt,
            int cpuCount,
            int memoryMB,
            int diskSizeMB,
            @Nullable String envdVersion) {}

    /** An item of a list. */
    static Object listed(TemplateStore.Listing template) {
        TemplateStore.BuildRow ready = template.newestReady();
        TemplateStore.BuildRow newest = template.newest();
        UUID creator = template.createdBy();
        return new ListedTemplate(
                template.id(),
                ready == null ? NO_BUILD : ready.id(),
                ready == null ? 0 : ready.resources().cpuCount(),
                ready == null ? 0 : ready.resources().memoryMb(),
                ready == null ? 0 : ready.resources().diskMb(),
                template.isPublic(),
                aliases(template),
                names(template),
                Moments.text(template.createdAt()),
                Moments.text(template.updatedAt()),
                TeamKeys.TeamUser.of(creator),
                text(template.lastSpawnedAt()),
                template.spawnCount(),
                template.buildCount(),
                ready == null ? "" : ready.envdVersion(),
                (newest == null ? BuildStatus.WAITING : newest.status()).text());
    }

    /** All that is told about one template. */
    static Object detail(TemplateStore.Listing template, List<TemplateStore.BuildRow> builds) {
        return new TemplateWithBuilds(
                template.id(),
                template.isPublic(),
                aliases(template),
                names(template),
                Moments.text(template.createdAt()),
                Moments.text(template.updatedAt()),
                text(template.lastSpawnedAt()),
                template.spawnCount(),
                builds.stream().map(TemplateAnswers::build).toList());
    }

    private static ListedBuild build(TemplateStore.BuildRow build) {
        return new ListedBuild(
                build.id(),
                build.status().text(),
                Moments.text(build.createdAt()),
                Moments.text(build.updatedAt()),
                text(build.finishedAt()),
                build.resources().cpuCount(),
                build.resources().memoryMb(),
                build.resources().diskMb(),
                build.envdVersion().isEmpty() ? null : build.envdVersion());
    }

    private static List<String> aliases(TemplateStore.Listing template) {
        return template.names().stream()
                .map(TemplateStore.Name::alias)
                .distinct()
                .toList();
    }

    private static List<String> names(TemplateStore.Listing template) {
        return template.names().stream().map(TemplateStore.Name::text).toList();
    }

    private static @Nullable String text(@Nullable Instant moment) {
        return moment == null ? null : Moments.text(moment);
    }
}

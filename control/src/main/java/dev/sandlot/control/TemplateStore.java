package dev.sandlot.control;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Templates, their aliases and builds. Of the builds under one tag, the one assigned last counts. */
interface TemplateStore {
    /** A ready build for the template of an alias. */
    record Registration(@Nullable UUID teamId, String namespace, String alias, TemplateBuild build) {}

    /** A name of a template; the namespace is empty for one that is known by its bare alias. */
    record Name(String namespace, String alias) {
        String text() {
            return namespace.isEmpty() ? alias : namespace + "/" + alias;
        }
    }

    /** A build, whatever became of it. */
    record BuildRow(
            UUID id,
            BuildStatus status,
            Instant createdAt,
            Instant updatedAt,
            @Nullable Instant finishedAt,
            Resources resources,
            String envdVersion) {}

    /**
     * A template as it is listed.
     *
     * @param newestReady the newest ready build of the default tag
     * @param newest the newest build of the default tag
     */
    record Listing(
            String id,
            @Nullable UUID teamId,
            boolean isPublic,
            List<Name> names,
            Instant createdAt,
            Instant updatedAt,
            @Nullable UUID createdBy,
            @Nullable Instant lastSpawnedAt,
            long spawnCount,
            int buildCount,
            @Nullable BuildRow newestReady,
            @Nullable BuildRow newest) {}

    /** What a tag means now. */
    record TagRow(String tag, UUID buildId, Instant createdAt) {}

    /** The templates of a team that are no snapshots, oldest first. */
    List<Listing> ofTeam(UUID teamId);

    /** One template as it is listed. */
    Optional<Listing> listing(String templateId);

    /** All builds of a template, newest first. */
    List<BuildRow> builds(String templateId);

    /** The tags of a template, by name. */
    List<TagRow> tags(String templateId);

    /** Gives a build of the template further tags. */
    void assign(String templateId, UUID buildId, Collection<String> tags);

    /** Takes tags away; those that are not there do not matter. */
    void unassign(String templateId, Collection<String> tags);

    void setPublic(String templateId, boolean isPublic);

    /** Makes the template known by its bare aliases too; false, and nothing done, when one is taken. */
    boolean promote(String templateId);

    /** Hides the template and frees its names; says whether it was there. */
    boolean delete(String templateId);

    /** Counts a sandbox that was started from the template. */
    void spawned(String templateId, Instant at);

    Optional<Template> byAlias(String namespace, String alias);

    Optional<Template> byId(String id);

    Optional<TemplateBuild> newestReadyBuild(String templateId, String tag);

    /** A build by its ID, if it belongs to the template and is ready. */
    Optional<TemplateBuild> readyBuild(String templateId, UUID buildId);

    /**
     * Assigns the build to the default tag of the alias's template, which is made if need be; nothing changes if
     * it is the newest there already.
     *
     * @return the template's ID
     */
    String register(Registration registration);
}

package dev.sandlot.control;

import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuiltTemplate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Builds of templates (template-build.md 12). A build waits from the request for it until it is started, is at work
 * until its builder says how it ended, and is ready or failed from then on.
 *
 * <p>Every change names the state it leaves, and does nothing when the build is not in it; the result says whether it
 * took effect.
 */
interface BuildStore {
    /** The template that a build is asked for. */
    sealed interface Target {
        /** The template of that name, which is made when there is none. */
        record Named(String namespace, String alias) implements Target {}

        /** A new template without a name. */
        record Unnamed() implements Target {}

        /** A template of the team by its ID; a name that is given takes the place of those it has. */
        record Existing(String templateId, @Nullable Named name) implements Target {}
    }

    /**
     * What was asked for with a build whose image is pushed (template-build.md 17.1).
     *
     * @param startCommand empty for none
     * @param readyCommand empty for none
     */
    record Pushed(String dockerfile, String startCommand, String readyCommand) {}

    /**
     * A build that is asked for.
     *
     * @param person who asks, or null for a key
     * @param tags what the build is to be known by; at least one
     * @param limit how many builds the team may have at once
     * @param pushed for a build whose image is pushed, else null
     */
    record Request(
            UUID buildId,
            UUID teamId,
            @Nullable UUID person,
            Target target,
            List<String> tags,
            Resources resources,
            int limit,
            @Nullable Pushed pushed) {
        public Request {
            tags = List.copyOf(tags);
        }
    }

    /** What became of a request. */
    sealed interface Outcome {
        /** The build waits to be started. */
        record Waiting(String templateId, boolean isPublic, List<TemplateStore.Name> names) implements Outcome {}

        /** The name is the ID of a template. */
        record NameIsId() implements Outcome {}

        /** The name belongs to another template. */
        record NameTaken() implements Outcome {}

        /** The team has no such template. */
        record NoTemplate() implements Outcome {}

        /** The team has as many builds as it may. */
        record TooMany() implements Outcome {}
    }

    /**
     * Why a build failed.
     *
     * @param message for the user
     * @param step as in {@link dev.sandlot.protocol.BuildState.Failed}
     */
    record Reason(String message, @Nullable String step) {}

    /**
     * A build, whatever became of it.
     *
     * @param semantics null until it is started, unless its image is pushed
     * @param startedAt null until it is started
     * @param reason null unless it failed
     * @param pushed as in the request
     */
    record Build(
            UUID id,
            String templateId,
            @Nullable UUID teamId,
            BuildStatus status,
            BuildPlan.@Nullable Semantics semantics,
            List<String> tags,
            Resources resources,
            Instant createdAt,
            @Nullable Instant startedAt,
            @Nullable Reason reason,
            @Nullable Pushed pushed) {
        public Build {
            tags = List.copyOf(tags);
        }

        /** Whether it is known by a tag that the other is known by. */
        boolean sharesTag(List<String> others) {
            return tags.stream().anyMatch(others::contains);
        }
    }

    /**
     * Writes down a build that waits, gives it its tags, and lets older ones that wait for the same fail. All of it
     * or nothing.
     *
     * @param superseded why those fail
     */
    Outcome request(Request request, Reason superseded, Instant now);

    /** A build of a template that is not deleted. */
    Optional<Build> find(UUID buildId);

    /** From waiting to at work. */
    boolean start(UUID buildId, BuildPlan.Semantics semantics, Instant at);

    /** Back from at work to waiting, because no builder took it. */
    boolean putBack(UUID buildId);

    /** From at work to ready. */
    boolean finish(UUID buildId, BuiltTemplate built, Instant at);

    /** From waiting or at work to failed. */
    boolean fail(UUID buildId, Reason reason, Instant at);

    /** All builds that wait or are at work, oldest first, those of deleted templates among them. */
    List<Build> active();

    /** What a ready build has made. */
    Optional<BuiltTemplate> built(UUID buildId);

    /** Builds of deleted templates that the builder has not been told to forget. */
    List<UUID> unforgotten();

    /** Notes that the builder was told to forget the build. */
    void forgotten(UUID buildId, Instant at);

    /** The layers of all ready builds whose template is not deleted, and of those that sandboxes were started from. */
    Set<String> layersInUse();
}

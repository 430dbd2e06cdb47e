package dev.sandlot.control;

import dev.sandlot.control.BuildStore.Build;
import dev.sandlot.control.BuildStore.Reason;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildLogEntry.Level;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.ErrorKind;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** How far builds are, and what they told (public-api.md 13.5, 13.6, template-build.md 11). */
final class BuildLogEndpoints {
    private static final int MOST = 100;
    private final Builds builds;

    BuildLogEndpoints(Builds builds) {
        this.builds = builds;
    }

    List<Route> routes() {
        return List.of(
                new Route(
                        "GET",
                        "/templates/{templateID}/builds/{buildID}/status",
                        Access.TEAM_OR_TOKEN,
                        true,
                        this::status),
                new Route(
                        "GET",
                        "/templates/{templateID}/builds/{buildID}/logs",
                        Access.TEAM_OR_TOKEN,
                        true,
                        this::logs));
    }

    private record Entry(
            String timestamp,
            String message,
            String level,
            @Nullable String step) {
        static Entry of(BuildLogEntry entry) {
            return new Entry(
                    Moments.text(entry.timestamp()),
                    entry.message(),
                    entry.level().name().toLowerCase(Locale.ROOT),
                    "".equals(entry.step()) ? null : entry.step());
        }
    }

    private record ReasonView(String message, @Nullable String step, List<Entry> logEntries) {}

    private record Status(
            String templateID,
            UUID buildID,
            String status,
            List<String> logs,
            List<Entry> logEntries,
            @Nullable ReasonView reason) {}

    private record Logs(List<Entry> logs) {}

    /** The state is read before the log: whoever sees the end sees all that came before it. */
    private Reply status(Call call) throws ApiException {
        Build build = build(call);
        int offset = call.query().number("logsOffset", 0, 0, Integer.MAX_VALUE);
        int limit = call.query().number("limit", MOST, 0, MOST);
        List<BuildLogEntry> page =
                log(call, build).stream().skip(offset).limit(limit).toList();
        return Reply.json(
                200,
                new Status(
                        build.templateId(),
                        build.id(),
                        build.status().text(),
                        lines(build, page),
                        page.stream().map(Entry::of).toList(),
                        reason(build, page)));
    }

    /** Builds whose image is pushed are told as lines; others never. */
    private static List<String> lines(Build build, List<BuildLogEntry> page) {
        if (build.semantics() != BuildPlan.Semantics.V1_0) {
            return List.of();
        }
        return page.stream()
                .map(entry -> "[" + Moments.text(entry.timestamp()) + "] " + entry.message() + "\n")
                .toList();
    }

    private static @Nullable ReasonView reason(Build build, List<BuildLogEntry> page) {
        Reason reason = build.reason();
        if (reason == null) {
            return null;
        }
        List<Entry> blamed = page.stream()
                .filter(entry -> reason.step() != null && reason.step().equals(entry.step()))
                .filter(entry -> entry.level().compareTo(Level.WARN) >= 0)
                .map(Entry::of)
                .toList();
        return new ReasonView(reason.message(), reason.step(), blamed);
    }

    private Reply logs(Call call) throws ApiException {
        Build build = build(call);
        boolean backward = call.query().text("direction").orElse("forward").equals("backward");
        int limit = call.query().number("limit", MOST, 0, MOST);
        Optional<Instant> cursor = cursor(call.query());
        List<BuildLogEntry> log = log(call, build);
        List<Entry> page = (backward ? log.reversed() : log)
                .stream()
                        .filter(entry -> cursor.isEmpty() || isBeyond(entry, cursor.get(), backward))
                        .limit(limit)
                        .map(Entry::of)
                        .toList();
        return Reply.json(200, new Logs(page));
    }

    private static Optional<Instant> cursor(Query query) throws ApiException {
        Optional<String> text = query.text("cursor");
        try {
            return text.map(Long::parseLong).map(Instant::ofEpochMilli);
        } catch (NumberFormatException e) {
            throw Query.invalid("cursor", "is not a whole number");
        }
    }

    private static boolean isBeyond(BuildLogEntry entry, Instant cursor, boolean backward) {
        int order = Instant.ofEpochMilli(entry.timestamp().toEpochMilli()).compareTo(cursor);
        return backward ? order <= 0 : order >= 0;
    }

    /** The log from a level on; a build that waits has told nothing. */
    private List<BuildLogEntry> log(Call call, Build build) throws ApiException {
        if (build.status() == BuildStatus.WAITING) {
            return List.of();
        }
        Level least = call.query()
                .text("level")
                .map(text -> Level.valueOf(text.toUpperCase(Locale.ROOT)))
                .orElse(Level.DEBUG);
        return builds.log(build.id()).stream()
                .filter(entry -> entry.level().compareTo(least) >= 0)
                .toList();
    }

    private Build build(Call call) throws ApiException {
        UUID id = call.uuid("buildID", "build id");
        String templateId = call.parameter("templateID");
        Build build = builds.look(id)
                .filter(found -> found.templateId().equals(templateId))
                .orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Build '" + id + "' not found"));
        if (!call.team().id().equals(build.teamId())) {
            throw new ApiException(ErrorKind.FORBIDDEN, "you have no access to template '" + templateId + "'");
        }
        return build;
    }
}

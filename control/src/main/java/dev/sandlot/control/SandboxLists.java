package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The lists of sandboxes (public-api.md 9.2, 9.3). */
final class SandboxLists {
    private static final Comparator<SandboxRecord> OLDEST_FIRST = Comparator.comparing(SandboxRecord::startedAt)
            .thenComparing(sandbox -> sandbox.id().value(), Comparator.reverseOrder());
    private static final Set<String> STATES = Set.of("running", "paused");
    private static final int MOST = 100;

    private final Lifecycle lifecycle;
    private final Templates templates;
    private final Answers answers;

    SandboxLists(Lifecycle lifecycle, Templates templates, Answers answers) {
        this.lifecycle = lifecycle;
        this.templates = templates;
        this.answers = answers;
    }

    List<Route> routes() {
        return List.of(
                Route.harmless("GET", "/v2/sandboxes", this::page), Route.harmless("GET", "/sandboxes", this::running));
    }

    private Reply running(Call call) throws ApiException {
        MetadataFilter metadata = metadata(call.query());
        return Reply.streamed(lifecycle
                .running(call.team())
                .filter(metadata::matches)
                .sorted(OLDEST_FIRST.reversed())
                .map(answers::listed)
                .toList());
    }

    private Reply page(Call call) throws ApiException {
        Query query = call.query();
        boolean ascending = ascending(query);
        int limit = query.number("limit", MOST, 1, MOST);
        Optional<String> nextToken = query.text("nextToken");
        Predicate<SandboxRecord> notBefore =
                nextToken.isPresent() ? after(PageToken.parse(nextToken.get(), ascending)) : sandbox -> true;
        boolean wantsRunning = states(query).contains("running");
        List<SandboxRecord> matching = matching(call.team(), query, order(ascending));
        List<SandboxRecord> wanted = wantsRunning ? matching : List.of();
        List<SandboxRecord> rest =
                wanted.stream().filter(notBefore).limit(limit + 1L).toList();
        Reply reply = reply(rest, limit, ascending);
        return wantsRunning ? reply.with("X-Total-Running", Integer.toString(matching.size())) : reply;
    }

    private Reply reply(List<SandboxRecord> rest, int limit, boolean ascending) {
        List<SandboxRecord> page = rest.subList(0, Math.min(limit, rest.size()));
        Reply reply = Reply.streamed(page.stream().map(answers::listed).toList());
        return rest.size() > limit
                ? reply.with(
                        "X-Next-Token",
                        PageToken.after(page.getLast(), ascending).text())
                : reply;
    }

    private List<SandboxRecord> matching(Team team, Query query, Comparator<SandboxRecord> order) throws ApiException {
        MetadataFilter metadata = metadata(query);
        Predicate<SandboxRecord> template = template(team, query);
        Instant startedAfter = startedAfter(query);
        Stream<SandboxRecord> running = lifecycle.running(team);
        return running.filter(metadata::matches)
                .filter(template)
                .filter(sandbox -> !sandbox.startedAt().isBefore(startedAfter))
                .sorted(order)
                .toList();
    }

    private static Comparator<SandboxRecord> order(boolean ascending) {
        return ascending ? OLDEST_FIRST : OLDEST_FIRST.reversed();
    }

    private static Predicate<SandboxRecord> after(PageToken token) {
        Comparator<Instant> times = token.ascending() ? Comparator.naturalOrder() : Comparator.reverseOrder();
        Comparator<String> names = token.ascending() ? Comparator.reverseOrder() : Comparator.naturalOrder();
        return sandbox -> {
            int byTime = times.compare(sandbox.startedAt(), token.startedAt());
            return byTime != 0
                    ? byTime > 0
                    : names.compare(sandbox.id().value(), token.id().value()) > 0;
        };
    }

    private static boolean ascending(Query query) {
        return query.text("order").orElse("desc").equals("asc");
    }

    private static Set<String> states(Query query) {
        List<String> states = query.items("state");
        return states.isEmpty() ? STATES : Set.copyOf(states);
    }

    private static MetadataFilter metadata(Query query) throws ApiException {
        Optional<String> parameter = query.text("metadata");
        return parameter.isPresent() ? MetadataFilter.parse(parameter.get()) : MetadataFilter.NONE;
    }

    private Predicate<SandboxRecord> template(Team team, Query query) throws ApiException {
        Optional<String> text = query.text("template");
        if (text.isEmpty()) {
            return sandbox -> true;
        }
        Optional<String> id = templates.find(team, reference(text.get())).map(Template::id);
        return sandbox -> id.isPresent() && id.get().equals(sandbox.origin().templateId());
    }

    private static TemplateReference reference(String text) throws ApiException {
        TemplateReference reference = TemplateReference.parse(text);
        if (text.contains(":")) {
            throw new ApiException(ErrorKind.INVALID, "Invalid template: '" + text + "' has a tag");
        }
        return reference;
    }

    private static Instant startedAfter(Query query) {
        return query.text("startedAfter")
                .map(text -> OffsetDateTime.parse(text).toInstant())
                .orElse(Instant.MIN);
    }
}

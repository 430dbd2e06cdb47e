package dev.sandlot.control;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Templates in memory. The lock guards all maps. */
final class MemoryTemplateStore implements TemplateStore {
    private record Alias(String namespace, String name) {}

    private record Tag(String templateId, String name) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Template> templates = new HashMap<>();
    private final Map<Alias, String> aliases = new LinkedHashMap<>();
    private final Map<UUID, TemplateBuild> builds = new HashMap<>();
    private final Map<Tag, List<UUID>> assignments = new HashMap<>();

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<Template> byAlias(String namespace, String alias) {
        return locked(() ->
                Optional.ofNullable(aliases.get(new Alias(namespace, alias))).map(templates::get));
    }

    @Override
    public Optional<Template> byId(String id) {
        return locked(() -> Optional.ofNullable(templates.get(id)));
    }

    @Override
    public Optional<TemplateBuild> newestReadyBuild(String templateId, String tag) {
        return locked(() -> Optional.ofNullable(assignments.get(new Tag(templateId, tag)))
                .map(List::getLast)
                .map(builds::get));
    }

    @Override
    public Optional<TemplateBuild> readyBuild(String templateId, UUID buildId) {
        return locked(() -> assignments.entrySet().stream()
                .filter(entry -> entry.getKey().templateId().equals(templateId))
                .filter(entry -> entry.getValue().contains(buildId))
                .findFirst()
                .map(_ -> builds.get(buildId)));
    }

    @Override
    public String register(Registration registration) {
        return locked(() -> {
            UUID build = registration.build().id();
            String id = aliases.computeIfAbsent(
                    new Alias(registration.namespace(), registration.alias()), alias -> make(alias, registration));
            builds.putIfAbsent(build, registration.build());
            List<UUID> assigned =
                    assignments.computeIfAbsent(new Tag(id, TemplateReference.DEFAULT_TAG), _ -> new ArrayList<>());
            if (assigned.isEmpty() || !assigned.getLast().equals(build)) {
                assigned.add(build);
            }
            return id;
        });
    }

    private String make(Alias alias, Registration registration) {
        Template made = new Template(
                Template.randomId(), registration.teamId(), registration.teamId() == null, List.of(alias.name()));
        templates.put(made.id(), made);
        return made.id();
    }
}

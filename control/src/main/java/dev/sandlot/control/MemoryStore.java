package dev.sandlot.control;

/** The store in the memory of this process, for tries and tests: it forgets everything when it is closed. */
final class MemoryStore implements Store {
    private final MemoryTeamStore teams = new MemoryTeamStore();
    private final MemoryTemplateStore templates = new MemoryTemplateStore();
    private final MemorySandboxStore sandboxes = new MemorySandboxStore();

    @Override
    public SandboxStore sandboxes() {
        return sandboxes;
    }

    @Override
    public TeamStore teams() {
        return teams;
    }

    @Override
    public TemplateStore templates() {
        return templates;
    }

    @Override
    public void close() {
        // nothing is held that the garbage collector does not take
    }
}

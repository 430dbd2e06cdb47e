package dev.sandlot.control;

import org.jspecify.annotations.Nullable;

/** Where the control plane keeps what must outlive it. Safe for several threads; every call may block on a disk. */
public interface Store extends AutoCloseable {
    /** Which store this is: an ID that was made in it once. A store in memory has another one each time. */
    String id();

    /** Why the store cannot be used now; null when it can. From memory; never waits. */
    @Nullable String trouble();

    /** The runs of sandboxes. */
    SandboxStore sandboxes();

    /** Teams, their limits and keys. */
    TeamStore teams();

    /** People, their teams and tokens. */
    PersonStore people();

    /** What servers do and did for operators and repeated requests. */
    OperationStore operations();

    /** Templates, their names and builds. */
    TemplateStore templates();

    /** Builds of templates, from the request to the end. */
    BuildStore builds();

    @Override
    void close();
}

package dev.sandlot.node;

import dev.sandlot.protocol.SandboxId;
import java.util.UUID;

/** Told of sandboxes that ended without having been killed through the node. */
@FunctionalInterface
public interface EndListener {
    /** @param executionId the run that ended */
    void sandboxEnded(SandboxId id, UUID executionId);
}

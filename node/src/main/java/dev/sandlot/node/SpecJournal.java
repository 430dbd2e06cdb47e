package dev.sandlot.node;

import dev.sandlot.protocol.SandboxSpec;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Keeps what a sandbox was started from with the runtime's own record of it, to be found again after a restart. */
final class SpecJournal {
    private static final String LABEL = "sandlot.spec";
    private static final JsonMapper JSON = JsonMapper.shared();

    private SpecJournal() {}

    static Map<String, String> labels(SandboxSpec spec) {
        return Map.of(LABEL, JSON.writeValueAsString(spec));
    }

    /** The spec, or empty when the labels are not ours or from a version that wrote them in another form. */
    static Optional<SandboxSpec> read(Map<String, String> labels) {
        String text = labels.get(LABEL);
        if (text == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readValue(text, SandboxSpec.class));
        } catch (JacksonException unreadable) {
            return Optional.empty();
        }
    }
}

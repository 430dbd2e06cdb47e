package dev.sandlot.runtime;

import dev.sandlot.linux.SeccompCompiler;
import dev.sandlot.linux.SeccompCompiler.Action;
import dev.sandlot.linux.SeccompCompiler.Condition;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * The system calls a sandbox may use, in the form of the OCI runtime specification. Compiled once, it spares every
 * start the work that the OCI runtime would do with it.
 */
record SeccompProfile(JsonNode oci) {
    private static final int EPERM = 1;
    private static final long ALL_BITS = -1L;

    /** The program for the kernel, or empty where there is nothing to compile it with. */
    Optional<byte[]> compiled() throws IOException {
        Optional<SeccompCompiler> found = SeccompCompiler.open(action(oci, "defaultAction", "defaultErrnoRet"));
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try (SeccompCompiler compiler = found.get()) {
            for (JsonNode rule : oci.path("syscalls")) {
                List<Condition> conditions = rule.path("args")
                        .valueStream()
                        .map(SeccompProfile::condition)
                        .toList();
                for (JsonNode name : rule.path("names")) {
                    compiler.add(action(rule, "action", "errnoRet"), name.asString(), conditions);
                }
            }
            return Optional.of(compiler.program());
        }
    }

    private static Action action(JsonNode rule, String name, String errno) {
        String action = rule.path(name).asString();
        return switch (action) {
            case "SCMP_ACT_ALLOW" -> Action.ALLOW;
            case "SCMP_ACT_ERRNO" -> Action.error(rule.path(errno).asInt(EPERM));
            default -> throw new IllegalStateException("the seccomp profile has an action of another kind: " + action);
        };
    }

    private static Condition condition(JsonNode argument) {
        int index = argument.path("index").asInt();
        long value = argument.path("value").asLong();
        String operator = argument.path("op").asString();
        return switch (operator) {
            case "SCMP_CMP_EQ" -> new Condition(index, ALL_BITS, value);
            case "SCMP_CMP_MASKED_EQ" ->
                new Condition(index, value, argument.path("valueTwo").asLong());
            default -> throw new IllegalStateException("the seccomp profile compares in another way: " + operator);
        };
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The body of a create, checked for its types (public-api.md 7.1).
 *
 * @param timeoutSeconds null when not given
 * @param autoPauseMemory whether a pause at the end is to keep the memory
 * @param later what the creator asked for that this server cannot do yet, as property names
 */
record CreateRequest(
        String templateId,
        @Nullable Integer timeoutSeconds,
        boolean autoPause,
        boolean autoPauseMemory,
        boolean autoResume,
        SandboxRecord.Options options,
        Map<String, String> envVars,
        List<String> later) {
    /** The kernel's, of name, sign, value and end. */
    private static final int LONGEST_VARIABLE = 128 << 10;

    /** Of all names and values together, more than any process can be given. */
    private static final int LARGEST_VARIABLES = 1 << 20;

    /** Of all names and values together: lists hold it for every sandbox. */
    private static final int LARGEST_METADATA = 64 << 10;

    static CreateRequest parse(Fields body, ApiVersion version) throws ApiException {
        checkIgnored(body);
        return new CreateRequest(
                body.requiredText("templateID"),
                body.int32("timeout", version.leastTimeout()).orElse(null),
                body.bool("autoPause").orElse(false),
                body.bool("autoPauseMemory").orElse(true),
                autoResume(body),
                options(body),
                envVars(body),
                later(body));
    }

    /** Properties whose type is checked and whose value changes nothing. */
    private static void checkIgnored(Fields body) throws ApiException {
        body.bool("secure");
        body.nullableObject("mcp");
    }

    /** What no process could be given is refused here, where it can still be told. */
    private static Map<String, String> envVars(Fields body) throws ApiException {
        Map<String, String> variables = body.stringMap("envVars").orElse(Map.of());
        checkSize(body, "envVars", variables, LARGEST_VARIABLES);
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            String name = variable.getKey();
            if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
                throw body.invalid("envVars", "has a name that no variable can have");
            }
            String text = name + "=" + variable.getValue();
            if (variable.getValue().indexOf('\0') >= 0
                    || text.getBytes(StandardCharsets.UTF_8).length >= LONGEST_VARIABLE) {
                throw body.invalid("envVars." + name, "is a value that no variable can have");
            }
        }
        return variables;
    }

    private static boolean autoResume(Fields body) throws ApiException {
        Optional<Fields> policy = body.object("autoResume");
        return policy.isPresent() && policy.get().requiredBool("enabled");
    }

    private static SandboxRecord.Options options(Fields body) throws ApiException {
        Optional<Map<String, String>> metadata = body.stringMap("metadata");
        checkSize(body, "metadata", metadata.orElse(Map.of()), LARGEST_METADATA);
        return new SandboxRecord.Options(body.bool("allow_internet_access").orElse(null), metadata.orElse(null));
    }

    private static void checkSize(Fields body, String name, Map<String, String> map, int mostBytes)
            throws ApiException {
        long bytes = map.entrySet().stream()
                .mapToLong(entry -> utf8Bytes(entry.getKey()) + utf8Bytes(entry.getValue()))
                .sum();
        if (bytes > mostBytes) {
            throw body.invalid(name, "is larger than " + mostBytes + " bytes, names and values together");
        }
    }

    private static long utf8Bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private static List<String> later(Fields body) throws ApiException {
        List<String> later = new ArrayList<>();
        addIf(later, body.bool("autoPause").orElse(false), "autoPause");
        addIf(later, autoResume(body), "autoResume");
        addIf(later, hasTokens(body), "iam.tokens");
        Optional<Fields> network = body.object("network");
        if (network.isPresent()) {
            addNetwork(later, network.get());
        }
        addIf(later, hasMounts(body), "volumeMounts");
        return List.copyOf(later);
    }

    private static boolean hasTokens(Fields body) throws ApiException {
        Optional<Fields> iam = body.object("iam");
        return iam.isPresent()
                && iam.get()
                        .object("tokens")
                        .filter(tokens -> !tokens.isEmpty())
                        .isPresent();
    }

    private static boolean hasMounts(Fields body) throws ApiException {
        List<Fields> mounts = body.objects("volumeMounts").orElse(List.of());
        for (Fields mount : mounts) {
            mount.requiredText("name");
            mount.requiredText("path");
        }
        return !mounts.isEmpty();
    }

    private static void addNetwork(List<String> later, Fields network) throws ApiException {
        addIf(later, !network.bool("allowPublicTraffic").orElse(true), "network.allowPublicTraffic");
        addIf(later, !network.strings("allowOut").orElse(List.of()).isEmpty(), "network.allowOut");
        addIf(later, !network.strings("denyOut").orElse(List.of()).isEmpty(), "network.denyOut");
        addIf(later, network.nullableObject("egressProxy").isPresent(), "network.egressProxy");
        addIf(later, !network.text("maskRequestHost").orElse("").isEmpty(), "network.maskRequestHost");
        addIf(later, !network.int32s("httpsPorts").orElse(List.of()).isEmpty(), "network.httpsPorts");
        addIf(later, network.object("rules").filter(rules -> !rules.isEmpty()).isPresent(), "network.rules");
    }

    private static void addIf(List<String> later, boolean asked, String name) {
        if (asked) {
            later.add(name);
        }
    }

    /** Refuses combinations that make no sense (7.2, checks 5 and 6). */
    void checkPauseOptions() throws ApiException {
        if (!autoPauseMemory && !autoPause) {
            throw new ApiException(ErrorKind.INVALID, "autoPauseMemory: false needs autoPause: true");
        }
        if (!autoPauseMemory && autoResume) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "autoPauseMemory: false excludes autoResume: traffic cannot wake what has no memory");
        }
    }

    /** Refuses what this server cannot do yet, rather than pretend. */
    void checkSupported() throws ApiException {
        if (!later.isEmpty()) {
            throw new ApiException(
                    ErrorKind.INVALID, String.join(", ", later) + " is not supported yet by this server");
        }
    }
}

package dev.sandlot.runtime;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes the {@code config.json} of a bundle. What does not differ between sandboxes stands in the resource
 * {@code oci-config.json}, the system calls they may use in {@code seccomp.json}.
 */
final class OciConfig {
    static final String INIT = "/dev/.sandlot/init";

    private static final long SOFT_DESCRIPTORS = 65536;
    private static final long HARD_DESCRIPTORS = 524288;
    private static final Pattern OWN_DESCRIPTORS = Pattern.compile("Max open files +\\S+ +(\\d+)");

    private final JsonMapper json = JsonMapper.shared();
    private final Map<String, Object> base;
    private final boolean bornInCgroup;
    private final Path supervisor;
    private final Map<String, Object> descriptors;

    /**
     * @param bornInCgroup whether the OCI runtime is started in the sandbox's control group already
     * @param oci the OCI runtime
     */
    OciConfig(boolean bornInCgroup, Path supervisor, Tool oci) throws IOException {
        this.bornInCgroup = bornInCgroup;
        this.supervisor = supervisor;
        this.base = resource("oci-config.json");
        long hard = Math.min(HARD_DESCRIPTORS, ownDescriptors());
        this.descriptors = limit("RLIMIT_NOFILE", Math.min(SOFT_DESCRIPTORS, hard), hard);
        limitCalls(oci);
    }

    /** crun loads a compiled program as it is; other OCI runtimes compile the profile at each start. */
    private void limitCalls(Tool oci) throws IOException {
        Map<String, Object> profile = resource("seccomp.json");
        Map<String, Object> linux = object(base, "linux");
        linux.put("seccomp", profile);
        if (!OciStart.isCrun(oci)) {
            return;
        }
        Optional<byte[]> compiled = new SeccompProfile(json.valueToTree(profile)).compiled();
        if (compiled.isPresent()) {
            linux.put("seccomp", Map.of("defaultAction", "SCMP_ACT_ERRNO"));
            String text = Base64.getEncoder().encodeToString(compiled.get());
            base.put("annotations", Map.of("run.oci.seccomp_bpf_data", text));
        }
    }

    byte[] bytes(RuntimeSpec spec, Path root, Slot slot) {
        Map<String, Object> config = new LinkedHashMap<>(base);
        config.put("hostname", spec.hostname());
        config.put("root", Map.of("path", root.toString(), "readonly", false));
        config.put("process", process(object(base, "process")));
        config.put("mounts", mounts());
        Map<String, Object> linux = new LinkedHashMap<>(object(base, "linux"));
        linux.put("namespaces", namespaces(slot));
        config.put("linux", linux);
        return json.writeValueAsBytes(config);
    }

    /**
     * CAP_SYS_ADMIN is there only for a supervisor that still has to make its control group namespace, and that gives
     * the capability up before it runs anything.
     */
    private Map<String, Object> process(Map<String, Object> template) {
        Map<String, Object> process = new LinkedHashMap<>(template);
        List<Object> held = new ArrayList<>(list(template, "capabilities"));
        if (!bornInCgroup) {
            held.add("CAP_SYS_ADMIN");
        }
        process.put("capabilities", Map.of("bounding", held, "effective", held, "permitted", held));
        process.put("args", List.of(INIT));
        process.put("rlimits", List.of(limit("RLIMIT_CORE", 0, 0), descriptors));
        return process;
    }

    private static Map<String, Object> limit(String type, long soft, long hard) {
        return Map.of("type", type, "soft", soft, "hard", hard);
    }

    /** A user namespace cannot raise what this process may not exceed. */
    private static long ownDescriptors() throws IOException {
        Matcher matcher = OWN_DESCRIPTORS.matcher(ProcFile.read(Path.of("/proc/self/limits")));
        return matcher.find() ? Long.parseLong(matcher.group(1)) : HARD_DESCRIPTORS;
    }

    private List<Object> mounts() {
        List<Object> mounts = new ArrayList<>(list(base, "mounts"));
        mounts.add(Map.of(
                "destination",
                INIT,
                "type",
                "bind",
                "source",
                supervisor.toString(),
                "options",
                List.of("bind", "ro", "nosuid", "nodev")));
        return mounts;
    }

    private List<Map<String, String>> namespaces(Slot slot) {
        List<Map<String, String>> namespaces = new ArrayList<>();
        for (String kind : List.of("pid", "mount", "ipc", "uts")) {
            namespaces.add(Map.of("type", kind));
        }
        if (bornInCgroup) {
            namespaces.add(Map.of("type", "cgroup"));
        }
        String descriptors = "/proc/" + ProcessHandle.current().pid() + "/fd/";
        namespaces.add(Map.of("type", "user", "path", descriptors + slot.user().number()));
        namespaces.add(
                Map.of("type", "network", "path", descriptors + slot.network().number()));
        return namespaces;
    }

    private Map<String, Object> resource(String name) throws IOException {
        try (InputStream stream = OciConfig.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IOException("resource is missing: " + name);
            }
            return json.readValue(stream, new TypeReference<LinkedHashMap<String, Object>>() {});
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Map<String, Object> parent, String key) {
        return (Map<String, Object>) java.util.Objects.requireNonNull(parent.get(key), key);
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Map<String, Object> parent, String key) {
        return (List<Object>) java.util.Objects.requireNonNull(parent.get(key), key);
    }
}

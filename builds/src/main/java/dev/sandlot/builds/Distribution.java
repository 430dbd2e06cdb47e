package dev.sandlot.builds;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What an image says that it is, in its {@code /etc/os-release} (template-build.md 8.2).
 *
 * @param id the declared ID
 * @param family how it is provisioned
 * @param guessed whether the family comes from what it says to be like
 */
record Distribution(String id, Family family, boolean guessed) {
    private static final List<String> REJECTED = List.of("rhel", "ol", "amzn");
    private static final int MAX_ID = 64;

    /** Distributions that are provisioned alike. */
    enum Family {
        DEBIAN("sudo", "debian ubuntu"),
        REDHAT("wheel", "fedora centos rocky almalinux"),
        ARCH("wheel", "arch archarm"),
        ALPINE("wheel", "alpine"),
        NIXOS("wheel", "nixos");

        private final String adminGroup;
        private final String ids;

        Family(String adminGroup, String ids) {
            this.adminGroup = adminGroup;
            this.ids = ids;
        }

        /** Whose members may become root. */
        String adminGroup() {
            return adminGroup;
        }

        /** As the provisioning script knows it. */
        String key() {
            return name().toLowerCase(Locale.ROOT);
        }

        private static Optional<Family> of(String id) {
            return Arrays.stream(values())
                    .filter(family -> List.of(family.ids.split(" ")).contains(id))
                    .findFirst();
        }
    }

    /** @throws BuildFailure of the step {@code base} when it is none that can be provisioned */
    static Distribution of(String osRelease) throws BuildFailure {
        Map<String, String> fields = fields(osRelease);
        String id = fields.getOrDefault("ID", "").toLowerCase(Locale.ROOT);
        if (REJECTED.contains(id) || !id.matches("[a-z0-9._-]{1," + MAX_ID + "}")) {
            throw unsupported(id);
        }
        Optional<Family> own = Family.of(id);
        if (own.isPresent()) {
            return new Distribution(id, own.get(), false);
        }
        for (String like :
                fields.getOrDefault("ID_LIKE", "").toLowerCase(Locale.ROOT).split("\\s+")) {
            Optional<Family> guess = Family.of(like);
            if (guess.isPresent()) {
                return new Distribution(id, guess.get(), true);
            }
        }
        throw unsupported(id);
    }

    /** The failure of an image that does not say what it is. */
    static BuildFailure undeclared() {
        return new BuildFailure(
                PulledBases.STEP,
                "the image has no /etc/os-release, so it is of no supported distribution; " + supported());
    }

    private static BuildFailure unsupported(String id) {
        String shown = id.replaceAll("[^a-z0-9._-]", "?");
        String cut = shown.substring(0, Math.min(MAX_ID, shown.length()));
        return new BuildFailure(PulledBases.STEP, "unsupported distribution '" + cut + "'; " + supported());
    }

    private static String supported() {
        return "supported are Debian, Ubuntu, Fedora, CentOS, Rocky Linux, AlmaLinux, Arch Linux and Alpine";
    }

    private static Map<String, String> fields(String osRelease) {
        Map<String, String> fields = new HashMap<>();
        for (String line : osRelease.split("\n")) {
            String[] parts = line.strip().split("=", 2);
            if (parts.length == 2) {
                fields.put(parts[0], parts[1].replaceAll("^[\"']|[\"']$", ""));
            }
        }
        return fields;
    }
}

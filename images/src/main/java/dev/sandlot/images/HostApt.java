package dev.sandlot.images;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the host's own package manager knows about Debian mirrors.
 *
 * @param mirror the archive the host uses, or null when the host is no Debian
 * @param securityMirror the archive of security updates it uses, or null
 * @param options settings that reaching a mirror may need, in the form of apt.conf without the semicolon
 */
record HostApt(@Nullable String mirror, @Nullable String securityMirror, List<String> options) {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Path HELPER = Path.of("/usr/lib/apt/apt-helper");
    private static final Pattern PASSED_ON =
            Pattern.compile("Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv4|ForceIPv6|https?::\\S+) \".+\";");
    private static final Pattern OF_THE_MIRROR = Pattern.compile("Acquire::(Check-Valid-Until|Check-Date) .*");

    HostApt {
        options = List.copyOf(options);
    }

    static HostApt read() throws InterruptedException {
        return new HostApt(site("Debian"), site("Debian-Security"), passedOn(lines("apt-config", "dump")));
    }

    /** The options that belong to the mirror's content and so are needed wherever it is used. */
    List<String> mirrorOptions() {
        return options.stream()
                .filter(option -> OF_THE_MIRROR.matcher(option).matches())
                .toList();
    }

    /** Whether a mirror has a suite, asked by the host's package manager with all its settings. */
    boolean offers(String site, String suite) throws IOException, InterruptedException {
        if (!Files.isExecutable(HELPER)) {
            return false;
        }
        Path directory = Files.createTempDirectory("suite");
        try {
            String url = site + "/dists/" + suite + "/InRelease";
            List<String> command = List.of(
                    HELPER.toString(),
                    "-oAcquire::Retries=0",
                    "-oAcquire::http::Timeout=10",
                    "-oAcquire::https::Timeout=10",
                    "download-file",
                    url,
                    directory.resolve("InRelease").toString());
            return new HostCommand(command, TIMEOUT).run(line -> {}).succeeded();
        } finally {
            TreeRemoval.remove(directory);
        }
    }

    static List<String> passedOn(List<String> dump) {
        List<String> options = new ArrayList<>();
        for (String line : dump) {
            if (PASSED_ON.matcher(line).matches()) {
                options.add(line.substring(0, line.length() - 1));
            }
        }
        return options;
    }

    private static @Nullable String site(String label) throws InterruptedException {
        Optional<String> site =
                lines("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Label: " + label)
                        .stream()
                        .filter(line -> line.matches("https?://\\S+"))
                        .findFirst();
        return site.orElse(null);
    }

    private static List<String> lines(String... command) throws InterruptedException {
        return new HostCommand(List.of(command), TIMEOUT).linesOrNone();
    }
}

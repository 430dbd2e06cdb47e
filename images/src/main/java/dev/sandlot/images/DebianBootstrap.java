package dev.sandlot.images;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes a Debian root file system in a directory with {@code mmdebstrap}: packages, then our files, then our script.
 *
 * <p>Only packages that Debian signed and what this program carries run here as root of the host.
 */
final class DebianBootstrap {
    private static final String APT_CONF = "/etc/apt/apt.conf.d/91mirror";
    private static final Map<String, Double> STAGES = Map.of(
            "I: running apt-get update", 0.05,
            "I: downloading packages", 0.10,
            "I: extracting archives", 0.20,
            "I: installing essential packages", 0.30,
            "I: installing remaining packages", 0.45,
            "I: running --customize-hook", 0.90,
            "I: cleaning package lists", 0.95);

    private final String label;
    private final TemplateSource source;
    private final BaseTemplateSettings settings;
    private final HostApt host;

    /** @param label what is made, for people */
    DebianBootstrap(String label, TemplateSource source, BaseTemplateSettings settings, HostApt host) {
        this.label = label;
        this.source = source;
        this.settings = settings;
        this.host = host;
    }

    /** Fills an empty directory; {@code scratch} is another one, for this alone. */
    void build(Path target, Path scratch, Progress progress) throws IOException, InterruptedException {
        source.writeTo(scratch);
        writeMirrorOptions(scratch);
        HostCommand.Outcome outcome = start(command(target, scratch), progress);
        if (!outcome.succeeded()) {
            throw new IOException(explained(outcome.lastLines()));
        }
        emptyDevices(target.resolve("dev"));
    }

    /** Device nodes are the runtime's to give; a layer has none. */
    private static void emptyDevices(Path devices) throws IOException {
        TreeRemoval.remove(devices);
        Files.createDirectory(devices);
        Files.setPosixFilePermissions(devices, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private HostCommand.Outcome start(List<String> command, Progress progress)
            throws IOException, InterruptedException {
        if (!isInstalled()) {
            throw new IOException("mmdebstrap is missing, which makes the " + label
                    + "; install the package mmdebstrap," + " or name an image or a registry in its place");
        }
        return new ContainedCommand(command, settings.buildTimeout()).run(line -> report(line, progress));
    }

    private List<String> command(Path target, Path scratch) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "mmdebstrap",
                "--mode=root",
                "--variant=apt",
                "--format=directory",
                "--components=main",
                "--aptopt=Acquire::Languages \"none\"",
                "--dpkgopt=" + scratch.resolve("files/etc/dpkg/dpkg.cfg.d/sandlot"),
                "--include=" + String.join(",", source.packages())));
        host.options().forEach(option -> command.add("--aptopt=" + option));
        command.addAll(hooks(scratch));
        command.add(settings.suite());
        command.add(target.toString());
        command.addAll(sources());
        return command;
    }

    private static List<String> hooks(Path scratch) {
        String files = quoted(scratch.resolve(TemplateSource.FILES));
        String script = quoted(scratch.resolve(TemplateSource.CUSTOMIZE));
        return List.of(
                "--customize-hook=cp -r --no-preserve=ownership " + files + "/. \"$1\"/",
                "--customize-hook=cp " + script + " \"$1\"/customize.sh && chroot \"$1\" /bin/bash /customize.sh"
                        + " && rm \"$1\"/customize.sh");
    }

    /** The lines of sources.list, for the build and for the sandboxes; none leaves the choice to mmdebstrap. */
    private List<String> sources() throws IOException, InterruptedException {
        String mirror = settings.mirror() == null ? host.mirror() : settings.mirror();
        if (mirror == null) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        lines.add(line(mirror, settings.suite()));
        addIfOffered(lines, mirror, settings.suite() + "-updates");
        addIfOffered(lines, securityMirror(mirror), settings.suite() + "-security");
        return lines;
    }

    private String securityMirror(String mirror) {
        @Nullable String known = settings.mirror() == null ? host.securityMirror() : null;
        return known == null ? mirror.replaceFirst("/+$", "") + "-security" : known;
    }

    private void addIfOffered(List<String> lines, String site, String suite) throws IOException, InterruptedException {
        if (host.offers(site, suite)) {
            lines.add(line(site, suite));
        }
    }

    private static String line(String site, String suite) {
        return "deb " + site + " " + suite + " main";
    }

    private void writeMirrorOptions(Path scratch) throws IOException {
        if (!host.mirrorOptions().isEmpty()) {
            String text = String.join(";\n", host.mirrorOptions()) + ";\n";
            Files.writeString(scratch.resolve(TemplateSource.FILES + APT_CONF), text);
        }
    }

    private void report(String line, Progress progress) {
        STAGES.forEach((stage, fraction) -> {
            if (line.startsWith(stage)) {
                progress.report(label + ": " + stage.substring("I: ".length()), fraction);
            }
        });
    }

    private String explained(List<String> lastLines) {
        String output = String.join("\n", lastLines);
        String reason = "mmdebstrap failed";
        if (output.matches("(?s).*(NO_PUBKEY|EXPKEYSIG|is not signed|could not be verified).*")) {
            reason = "the host's Debian keyring cannot verify " + settings.suite()
                    + "; install a newer debian-archive-keyring";
        } else if (output.matches("(?s).*(Could not resolve|Could not connect|Failed to fetch|Unable to connect).*")) {
            reason = "the Debian mirror could not be reached; name another one or check the host's apt settings";
        }
        return "could not build the " + label + ": " + reason + "\n" + output;
    }

    private static boolean isInstalled() {
        return List.of(System.getenv().getOrDefault("PATH", "").split(":")).stream()
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "mmdebstrap")));
    }

    private static String quoted(Path path) {
        return "'" + path.toString().replace("'", "'\\''") + "'";
    }
}

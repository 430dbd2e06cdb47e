package dev.sandlot.node;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.StagedTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A small root file system as a layer, made of this machine's own programs and the libraries they need. */
final class TestRoot {
    private static final List<String> PROGRAMS = List.of(
            "bash",
            "sh",
            "cat",
            "ls",
            "id",
            "sleep",
            "head",
            "touch",
            "true",
            "stat",
            "grep",
            "env",
            "mkdir",
            "chmod",
            "chown",
            "rm",
            "tr",
            "find",
            "dirname",
            "cp",
            "mv",
            "useradd",
            "usermod",
            "groupadd",
            "passwd",
            "mkfifo",
            "ln",
            "seq");

    private TestRoot() {}

    static Digest in(LayerStore store) throws IOException, InterruptedException {
        try (StagedTree staged = store.stage()) {
            build(staged.path());
            return store.commit(staged).diffId();
        }
    }

    private static void build(Path root) throws IOException, InterruptedException {
        for (String name : List.of(
                "etc",
                "proc",
                "sys",
                "dev",
                "tmp",
                "root",
                "home/user",
                "usr/bin",
                "usr/lib",
                "var/tmp",
                "usr/local/bin",
                "etc/default",
                "var/mail")) {
            Files.createDirectories(root.resolve(name));
        }
        run("chmod", "0755", root.toString());
        run("chmod", "1777", root.resolve("tmp").toString());
        run("chown", "-R", "1000:1000", root.resolve("home/user").toString());
        run("chmod", "-R", "777", root.resolve("usr/local").toString());
        for (Map.Entry<String, String> link : Map.of(
                        "bin", "usr/bin", "sbin", "usr/bin", "lib", "usr/lib", "lib64", "usr/lib")
                .entrySet()) {
            Files.createSymbolicLink(root.resolve(link.getKey()), Path.of(link.getValue()));
        }
        Files.writeString(
                root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\nuser:x:1000:\nsudo:x:27:user\n");
        Files.writeString(root.resolve("etc/shadow"), "root:*:1::::::\nuser::1::::::\n");
        Files.writeString(root.resolve("etc/login.defs"), "UID_MIN 1000\nGID_MIN 1000\nUSERGROUPS_ENAB yes\n");
        Files.writeString(root.resolve("etc/sudoers"), "user ALL=(ALL:ALL) NOPASSWD: ALL\n");
        Files.createDirectory(root.resolve("etc/pam.d"));
        Files.writeString(
                root.resolve("etc/pam.d/other"),
                "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\npassword sufficient pam_permit.so\n");
        Files.writeString(root.resolve("etc/profile"), "PATH=/usr/bin:/bin\nexport PATH\n");
        Files.createDirectory(root.resolve("code"));
        run("chmod", "777", root.resolve("code").toString());
        for (String program : PROGRAMS) {
            copyProgram(root, program);
        }
    }

    private static void copyProgram(Path root, String name) throws IOException, InterruptedException {
        for (String directory : List.of("/usr/bin", "/bin", "/usr/sbin", "/sbin")) {
            Path program = Path.of(directory, name);
            if (Files.exists(program)) {
                Path real = program.toRealPath();
                Files.copy(real, root.resolve("usr/bin").resolve(name), StandardCopyOption.REPLACE_EXISTING);
                copyLibraries(root, real);
                return;
            }
        }
    }

    private static void copyLibraries(Path root, Path program) throws IOException, InterruptedException {
        for (String word : run("ldd", program.toString()).split("\\s+")) {
            if (word.startsWith("/")) {
                Path real = Path.of(word).toRealPath();
                Path name = Path.of(word).getFileName();
                Files.copy(real, root.resolve("usr/lib").resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    static void deleteTree(Path tree) throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() > 1) {
            throw new IOException(String.join(" ", command) + ": " + text);
        }
        return text;
    }
}

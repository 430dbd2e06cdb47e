package dev.sandlot.runtime;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The root file system kernel tests run on: the one the property {@code sandlot.test.layer} names, else a small one
 * made of this machine's own programs and the libraries they need.
 */
final class TestLayer {
    private static final List<String> PROGRAMS = List.of(
            "bash",
            "sh",
            "cat",
            "ls",
            "id",
            "sleep",
            "head",
            "dd",
            "mount",
            "unshare",
            "touch",
            "true",
            "stat",
            "tail",
            "grep",
            "ip",
            "ping",
            "python3",
            "env",
            "mkdir",
            "chmod",
            "rm",
            "hostname",
            "sync",
            "tr");
    private static final Path DIRECTORY =
            Path.of("/var/tmp", "sandlot-test-layer-" + Integer.toHexString(PROGRAMS.hashCode()));

    private TestLayer() {}

    static synchronized Path path() throws IOException, InterruptedException {
        String named = System.getProperty("sandlot.test.layer", "");
        if (!named.isEmpty()) {
            return Path.of(named).toRealPath();
        }
        if (Files.notExists(DIRECTORY)) {
            Path draft = Files.createTempDirectory(DIRECTORY.getParent(), "sandlot-test-layer-");
            try {
                build(draft);
                Files.move(draft, DIRECTORY, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                TreeRemoval.remove(draft);
            }
        }
        return DIRECTORY;
    }

    private static void build(Path root) throws IOException, InterruptedException {
        for (String name :
                List.of("etc", "proc", "sys", "dev", "tmp", "root", "home", "usr/bin", "usr/lib", "var/tmp")) {
            Files.createDirectories(root.resolve(name));
        }
        run("chmod", "0755", root.toString());
        run(
                "chmod",
                "1777",
                root.resolve("tmp").toString(),
                root.resolve("var/tmp").toString());
        for (Map.Entry<String, String> link : Map.of(
                        "bin", "usr/bin", "sbin", "usr/bin", "lib", "usr/lib", "lib64", "usr/lib")
                .entrySet()) {
            Files.createSymbolicLink(root.resolve(link.getKey()), Path.of(link.getValue()));
        }
        Files.writeString(
                root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\nuser:x:1000:\n");
        for (String program : PROGRAMS) {
            copyProgram(root, program);
        }
        copyPython(root);
    }

    private static void copyProgram(Path root, String name) throws IOException, InterruptedException {
        Path program = Tool.require(name).program().toRealPath();
        Files.copy(program, root.resolve("usr/bin").resolve(name), StandardCopyOption.REPLACE_EXISTING);
        copyLibraries(root, program);
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

    private static void copyPython(Path root) throws IOException, InterruptedException {
        String python = Tool.require("python3").program().toString();
        String library = run(python, "-c", "import os; print(os.path.dirname(os.__file__))")
                .strip();
        Path target = root.resolve(library.substring(1));
        Files.createDirectories(target.getParent());
        run("cp", "-a", library, target.toString());
        try (Stream<Path> modules = Files.list(Path.of(library, "lib-dynload"))) {
            for (Path module : modules.filter(p -> !Files.isSymbolicLink(p)).toList()) {
                copyLibraries(root, module);
            }
        }
        if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("no python library at " + target);
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() > 1) {
            throw new IOException(String.join(" ", command) + ": " + text);
        }
        return text;
    }
}

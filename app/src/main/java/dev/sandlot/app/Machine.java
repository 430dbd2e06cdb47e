package dev.sandlot.app;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** This machine as {@code doctor} asks it: files of the kernel, programs, trials. */
final class Machine {
    private static final List<String> SYSTEM_PATH =
            List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");
    private static final int TRIAL_SECONDS = 10;

    private final Path root;
    private final Map<String, String> environment;

    private Machine(Path root, Map<String, String> environment) {
        this.root = root;
        this.environment = environment;
    }

    static Machine real(Map<String, String> environment) {
        return new Machine(Path.of("/"), environment);
    }

    /** A machine whose files stand below a directory; for tests. */
    static Machine below(Path root) {
        return new Machine(root, Map.of());
    }

    /** How a program ended and what it said. */
    record Outcome(int code, String output) {
        boolean isSuccess() {
            return code == 0;
        }

        String firstLine() {
            return output.lines().findFirst().orElse("").strip();
        }
    }

    /** A file's text; empty when it is not there or may not be read. */
    Optional<String> read(String path) {
        try {
            return Optional.of(ProcFile.read(at(path)).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    OptionalLong number(String path) {
        return read(path).filter(text -> text.matches("\\d{1,18}")).stream()
                .mapToLong(Long::parseLong)
                .findFirst();
    }

    boolean exists(String path) {
        return Files.exists(at(path));
    }

    boolean writable(String path) {
        return Files.isWritable(at(path));
    }

    /** Where a program is: a path as it stands, a name looked up in {@code PATH} and the system's directories. */
    Optional<Path> program(String name) {
        Stream<String> directories = name.startsWith("/")
                ? Stream.of("")
                : Stream.concat(
                        Arrays.stream(environment.getOrDefault("PATH", "").split(":")), SYSTEM_PATH.stream());
        return directories
                .filter(directory -> name.startsWith("/") || !directory.isEmpty())
                .map(directory -> at(directory + (name.startsWith("/") ? "" : "/") + name))
                .filter(file -> Files.isExecutable(file) && !Files.isDirectory(file))
                .findFirst();
    }

    /** Runs a program to its end; one that cannot be started, or takes too long, has failed. */
    Outcome run(List<String> command) {
        try {
            Path output = Files.createTempFile("sandlot-doctor", ".out");
            try {
                return run(command, output);
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            return new Outcome(-1, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Outcome(-1, "interrupted");
        }
    }

    private static Outcome run(List<String> command, Path output) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(output.toFile())
                .start();
        if (!process.waitFor(TRIAL_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            return new Outcome(-1, "took longer than " + TRIAL_SECONDS + " s");
        }
        return new Outcome(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }

    private Path at(String path) {
        return root.resolve(path.startsWith("/") ? path.substring(1) : path);
    }
}

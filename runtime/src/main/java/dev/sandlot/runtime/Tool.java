package dev.sandlot.runtime;

import dev.sandlot.linux.ChildProcess;
import dev.sandlot.linux.Io;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A program of the machine, run to its end in the namespaces of the calling thread. */
record Tool(Path program) {
    static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /** What a run said, in both streams. */
    record Answer(int code, String text) {}

    static Optional<Tool> find(String name) {
        if (name.contains("/")) {
            return Optional.of(Path.of(name)).filter(Files::isExecutable).map(Tool::new);
        }
        for (String directory : PATH.split(":")) {
            Path candidate = Path.of(directory, name);
            if (Files.isExecutable(candidate)) {
                return Optional.of(new Tool(candidate));
            }
        }
        return Optional.empty();
    }

    static Tool require(String name) throws IOException {
        return find(name).orElseThrow(() -> new IOException("program not found: " + name));
    }

    /** Runs it with an input that fits a pipe. */
    Answer run(String input, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.addAll(List.of(arguments));
        try (Io.Pipe in = Io.pipe();
                Io.Pipe out = Io.pipe()) {
            try (OutputStream stream = new FileOutputStream(in.writeEnd().procPath())) {
                stream.write(input.getBytes(StandardCharsets.UTF_8));
            }
            in.writeEnd().close();
            ChildProcess child = ChildProcess.start(
                    command, Map.of("PATH", PATH), Map.of(0, in.readEnd(), 1, out.writeEnd(), 2, out.writeEnd()));
            String text = read(out);
            return new Answer(child.await(), text);
        }
    }

    /** As {@link #run}, where anything but success is a failure. */
    void mustRun(String input, String... arguments) throws IOException {
        Answer answer = run(input, arguments);
        if (answer.code() != 0) {
            throw new IOException(program.getFileName() + " " + String.join(" ", arguments) + " failed with "
                    + answer.code() + ": " + answer.text().strip());
        }
    }

    private static String read(Io.Pipe out) throws IOException {
        try (InputStream stream = new FileInputStream(out.readEnd().procPath())) {
            out.writeEnd().close();
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}

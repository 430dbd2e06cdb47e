package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.MemoryExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The packaged envd in a chroot of a directory, with process and mount namespaces of its own. The directory gets empty
 * places for what is mounted there: programs, devices, the package.
 */
final class GuestProgram implements TestEnvd {
    private static final Path PACKAGE = Path.of("target/guest").toAbsolutePath();
    private static final Duration START_TIME = Duration.ofSeconds(30);
    private static final Pattern LISTENING = Pattern.compile("envd \\S+ of \\S+ at /127\\.0\\.0\\.1:(\\d+)");
    private static final String ENTER = """
            root=$1 package=$2 shared=$3
            shift 3
            for place in proc dev run root opt/sandlot-envd; do mkdir -p "$root/$place"; done
            for name in bin sbin lib lib64; do
              [ -d "/usr/$name" ] || continue
              mkdir -p "$root/usr/$name"
              [ -e "$root/$name" ] || ln -s "usr/$name" "$root/$name"
              mount -o bind,ro "/usr/$name" "$root/usr/$name"
            done
            mount --rbind /dev "$root/dev"
            mount -t proc proc "$root/proc"
            mount -t tmpfs tmpfs "$root/run"
            mount -o bind,ro "$package" "$root/opt/sandlot-envd"
            if [ -n "$shared" ]; then
              mkdir -p "$root$shared"
              mount --bind "$shared" "$root$shared"
            fi
            exec chroot "$root" /opt/sandlot-envd/envd "$@"
            """;

    private final Path log;
    private final Process process;
    private volatile InetSocketAddress address;

    private GuestProgram(Path log, Process process) throws IOException {
        this.log = log;
        this.process = process;
        this.address = awaitStart(0);
    }

    /** @param shared directories that are to be there under the name they have here; one at most */
    static GuestProgram start(Path root, EnvdConfig config, List<Path> shared) throws IOException {
        if (!Files.isExecutable(PACKAGE.resolve("envd"))) {
            throw new IOException("there is no " + PACKAGE + "; envd/package makes it");
        }
        Path log = Files.createTempFile("sandlot-guest", ".log");
        List<String> command = new ArrayList<>(List.of("unshare", "--mount", "--pid", "--fork", "--kill-child"));
        command.addAll(List.of("sh", "-euc", ENTER, "sh", root.toString(), PACKAGE.toString()));
        command.add(shared.isEmpty() ? "" : shared.getFirst().toString());
        command.addAll(flags(config));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        GuestProgram program = new GuestProgram(log, process);
        if (config.accessToken() != null) {
            program.set(config.accessToken());
        }
        return program;
    }

    private static List<String> flags(EnvdConfig config) {
        List<String> flags = new ArrayList<>(List.of("--host", "127.0.0.1", "--port", "0"));
        flags.addAll(List.of("--user", config.defaultUser(), "--workdir", config.defaultWorkdir()));
        flags.addAll(List.of("--sandbox-id", config.sandboxId().value(), "--template-id", config.templateId()));
        for (Map.Entry<String, String> variable : config.envVars().entrySet()) {
            flags.addAll(List.of("--env", variable.getKey() + "=" + variable.getValue()));
        }
        return flags;
    }

    private void set(String token) throws IOException {
        String body = "{\"accessToken\":" + TestSandbox.quote(token) + "}";
        Answer answer = Answer.of(this, MemoryExchange.of("POST", "/init", body.getBytes(StandardCharsets.UTF_8)));
        if (answer.status() != 204) {
            throw new IOException("the guest took no token: " + answer.status());
        }
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        new HttpCaller(address).handle(exchange);
    }

    /** Kills the Java program; its supervisor starts it again, a second after it did so last at the earliest. */
    @Override
    public void restart(WhileDown whileDown) throws IOException {
        int starts = starts().size();
        ProcessHandle java = process.descendants()
                .filter(handle -> handle.info().command().orElse("").endsWith("/runtime/bin/java"))
                .findFirst()
                .orElseThrow();
        java.destroyForcibly();
        java.onExit().join();
        whileDown.happen();
        address = awaitStart(starts);
    }

    private InetSocketAddress awaitStart(int startsBefore) throws IOException {
        long deadline = System.nanoTime() + START_TIME.toNanos();
        while (System.nanoTime() < deadline && process.isAlive()) {
            List<MatchResult> starts = starts();
            if (starts.size() > startsBefore) {
                int port = Integer.parseInt(starts.getLast().group(1));
                return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
            }
            pause();
        }
        String said = Files.readString(log);
        close();
        throw new IOException("the guest did not start: " + said);
    }

    private List<MatchResult> starts() throws IOException {
        return LISTENING.matcher(Files.readString(log)).results().toList();
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /** What it has written so far. */
    String log() throws IOException {
        return Files.readString(log);
    }

    /** The process of the machine's that is PID 1 in the guest: the supervisor. */
    Optional<ProcessHandle> supervisor() {
        return process.children().findFirst();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
            Files.deleteIfExists(log);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}

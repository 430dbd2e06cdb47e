package dev.sandlot.runtime;

import dev.sandlot.supervisor.Supervisor;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/** Runs commands in a sandbox and says what came of them. */
final class Inside {
    /** What a command wrote, in both streams, and how it ended: its exit code, or 128 and the signal. */
    record Outcome(int code, String text) {}

    private static final Map<String, String> ENVIRONMENT =
            Map.of("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME", "/root");

    private final Supervisor supervisor;

    Inside(RunningSandbox sandbox) {
        this.supervisor = sandbox.supervisor();
    }

    Outcome sh(String script) throws Exception {
        return sh(script, 0, Duration.ofSeconds(60));
    }

    /** Runs a script as a user. */
    Outcome sh(String script, int uid, Duration limit) throws Exception {
        Supervisor.Spawned spawned = start(script, uid);
        try (Supervisor.Ends ends = spawned.ends()) {
            CompletableFuture<String> text = CompletableFuture.supplyAsync(() -> readAll(ends));
            supervisor.closeInput(spawned.pid());
            int code = await(spawned.pid(), limit);
            supervisor.release(spawned.pid());
            return new Outcome(code, text.get(limit.toMillis(), TimeUnit.MILLISECONDS));
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("output of: " + script, e);
        }
    }

    /** Starts a script and leaves it. */
    Supervisor.Spawned start(String script, int uid) throws Exception {
        return supervisor.spawn(new SpawnRequest(
                "/bin/bash",
                List.of("-c", "{ " + script + "\n} 2>&1"),
                ENVIRONMENT,
                "/",
                uid,
                uid,
                List.of(),
                new Streams.Pipes(false),
                7));
    }

    private int await(int pid, Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() < deadline) {
            for (Supervisor.Child child : supervisor.list()) {
                if (child.pid() == pid && child.ended()) {
                    int raw = child.rawStatus();
                    return (raw & 0x7f) == 0 ? raw >> 8 & 0xff : 128 + (raw & 0x7f);
                }
            }
            LockSupport.parkNanos(1_000_000);
        }
        throw new AssertionError("process " + pid + " has not ended after " + limit);
    }

    private static String readAll(Supervisor.Ends ends) {
        try (InputStream stream = new FileInputStream(ends.output().procPath())) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

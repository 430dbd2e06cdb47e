package dev.sandlot.images;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** Tells whether a registry answers at all: asked once, remembered for a while. Safe for many threads. */
public final class RegistryProbe {
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final Duration ANSWERED_FOR = Duration.ofMinutes(10);
    private static final Duration SILENT_FOR = Duration.ofMinutes(1);
    private static final int REMEMBERED = 256;

    private final RegistryAccess access;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by {@link #lock}; the oldest first. */
    private final Map<String, Known> known = new LinkedHashMap<>();

    public RegistryProbe(RegistryAccess access, InstantSource clock) {
        this.access = access;
        this.clock = clock;
    }

    private record Known(boolean answers, Instant until) {}

    /**
     * Whether somebody speaks HTTP where the registry of an image should be.
     *
     * @throws ImageRefusedException when it may not be asked
     */
    public boolean answers(ImageReference image) throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            Known before = known.get(image.registry());
            if (before != null && clock.instant().isBefore(before.until())) {
                return before.answers();
            }
        } finally {
            lock.unlock();
        }
        boolean answers = asked(image);
        remember(image.registry(), answers);
        return answers;
    }

    private boolean asked(ImageReference image) throws IOException, InterruptedException {
        URI uri = URI.create((image.isLoopback() ? "http" : "https") + "://" + image.registry() + "/v2/");
        try (HttpClient http = HttpClient.newBuilder()
                .connectTimeout(PATIENCE)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build()) {
            access.check(uri);
            http.send(HttpRequest.newBuilder(uri).timeout(PATIENCE).build(), HttpResponse.BodyHandlers.discarding());
            return true;
        } catch (ImageRefusedException e) {
            throw e;
        } catch (IOException e) {
            return false;
        }
    }

    private void remember(String registry, boolean answers) {
        Instant until = clock.instant().plus(answers ? ANSWERED_FOR : SILENT_FOR);
        lock.lock();
        try {
            known.remove(registry);
            known.put(registry, new Known(answers, until));
            if (known.size() > REMEMBERED) {
                known.remove(known.keySet().iterator().next());
            }
        } finally {
            lock.unlock();
        }
    }
}

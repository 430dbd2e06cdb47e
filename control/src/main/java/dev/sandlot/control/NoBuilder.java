package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageStorage;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;

/** In the place of a builder where there is none: builds and files are refused with 503 (public-api.md 13.3, 13.4). */
public final class NoBuilder implements BuildService {
    private static ApiException refused() {
        return new ApiException(ErrorKind.UNAVAILABLE, "no builder is available");
    }

    @Override
    public void start(BuildPlan plan) throws ApiException {
        throw refused();
    }

    @Override
    public Optional<BuildState> state(UUID buildId) {
        return Optional.empty();
    }

    @Override
    public List<BuildLogEntry> log(UUID buildId) {
        return List.of();
    }

    @Override
    public boolean cancel(UUID buildId, String message) {
        return false;
    }

    @Override
    public void forget(UUID buildId) {}

    @Override
    public boolean hasFiles(UUID teamId, String hash) throws ApiException {
        throw refused();
    }

    @Override
    public void storeFiles(UUID teamId, String hash, InputStream content, long lengthBytes) throws ApiException {
        throw refused();
    }

    @Override
    public BuildStorage storage() throws ApiException {
        throw refused();
    }

    @Override
    public ImageStorage images() throws ApiException {
        throw refused();
    }

    @Override
    public void onEnd(BiConsumer<UUID, BuildState> listener) {}
}

package dev.sandlot.protocol;

import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;

/**
 * The builder of a node as the control plane sees it (template-build.md 21). In process on one machine. Every call may
 * be repeated after a failure.
 *
 * <p>What the builder knows of a build outlives a restart of its program: a build that was cut is either taken up
 * again or has failed with a reason. It is forgotten by {@link #forget} alone.
 */
public interface BuildService {
    /** The largest upload of files, in bytes. */
    long MAX_FILES_BYTES = 10L << 30;

    /**
     * Takes a build on and returns; the work goes on in the background. A build that is known already is left alone.
     *
     * @throws ApiException {@code UNAVAILABLE} when this builder takes none
     */
    void start(BuildPlan plan) throws ApiException;

    /** How far a build has come; empty when it is not known here. */
    Optional<BuildState> state(UUID buildId) throws ApiException;

    /** The whole log of a build so far, oldest first; empty when it is not known here. */
    List<BuildLogEntry> log(UUID buildId) throws ApiException;

    /**
     * Ends a build that is not done: its state becomes failed with that message. Returns when nothing of it runs.
     *
     * @return whether it was running
     */
    boolean cancel(UUID buildId, String message) throws ApiException;

    /** Ends a build and forgets its state and log; layers that nothing else uses go later. */
    void forget(UUID buildId) throws ApiException;

    /** Whether the files of that hash were uploaded by the team (template-build.md 6). */
    boolean hasFiles(UUID teamId, String hash) throws ApiException;

    /**
     * Keeps uploaded files, entirely or not at all; those of the same hash are replaced.
     *
     * @param lengthBytes what the request promised; content of another length is refused
     * @throws ApiException {@code INVALID} for the wrong length, {@code TOO_LARGE} or {@code NO_SPACE} when they
     *     cannot be kept
     */
    void storeFiles(UUID teamId, String hash, InputStream content, long lengthBytes) throws ApiException;

    /** Tells the listener of every build that ends from now on, on a thread of its own. */
    void onEnd(BiConsumer<UUID, BuildState> listener);

    /**
     * What builds have left on the node.
     *
     * @throws ApiException {@code UNAVAILABLE} where there is no builder
     */
    BuildStorage storage() throws ApiException;

    /**
     * The images that operators brought to the node.
     *
     * @throws ApiException {@code UNAVAILABLE} where there is no builder
     */
    ImageStorage images() throws ApiException;
}

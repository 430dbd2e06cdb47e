package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The runs of sandboxes. A run is written as an intent ({@code starting}) before its node is asked, becomes
 * {@code running} when the node has answered, and is removed at its end, of which a record stays for a while.
 *
 * <p>Every change names the execution it means and does nothing when another has taken its place; the result says
 * whether it took effect.
 */
interface SandboxStore {
    /** How a run ended. */
    record Ending(SandboxId id, UUID executionId, UUID teamId, KillReason reason, Instant endedAt) {}

    /** Writes the intent to start. */
    void begin(SandboxRecord starting);

    /** Turns the intent into a running sandbox, with its times. */
    boolean started(SandboxRecord running);

    /** Removes the intent of a start that failed. */
    boolean abandon(SandboxId id, UUID executionId);

    /** Moves the end time of a running sandbox. */
    boolean moveEnd(SandboxId id, UUID executionId, Instant endAt);

    /** Removes the run and records its end. */
    boolean end(SandboxId id, UUID executionId, KillReason reason, Instant at);

    /** All runs, whatever their state. */
    List<SandboxRecord> all();

    /** How a sandbox ended last, if that is still known. */
    Optional<Ending> ending(SandboxId id);

    /** Drops the records of ends before a time. */
    int forgetEndings(Instant before);
}

package dev.sandlot.control;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What an operator wants of nodes, and the requests that must not be carried out twice. */
interface OperationStore {
    /** What an operator wants of a node, since when. */
    record NodeState(NodeDuty duty, Instant changedAt) {}

    /** The wish for that node, if one was ever told. */
    Optional<NodeState> nodeState(String nodeId);

    void putNodeState(String nodeId, NodeState state);

    /** A request that the caller gave a key. */
    record KeyedRequest(UUID teamId, String key, String fingerprint, Instant deadline) {}

    /**
     * A request as it stands in the books.
     *
     * @param answer null until it was answered
     */
    record KnownRequest(
            String fingerprint, Instant deadline, @Nullable KnownAnswer answer) {}

    /** An answer that may be given again. */
    record KnownAnswer(int status, Map<String, String> headers, String body) {}

    /** Writes the request down unless its team has used the key; returns what stands there already. */
    Optional<KnownRequest> begin(KeyedRequest request, Instant now);

    /** Begins an unanswered request anew; of several who want to, the one who names its present deadline does. */
    boolean renew(UUID teamId, String key, Instant deadline, Instant nextDeadline);

    /** Writes down how the request was answered. */
    void answered(UUID teamId, String key, KnownAnswer answer);

    /** Drops requests that began before a time. */
    int forgetRequests(Instant before);
}

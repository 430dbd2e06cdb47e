package dev.sandlot.protocol;

import java.util.Optional;
import java.util.UUID;

/**
 * Who may use the image registry: what its door asks the control plane (template-build.md 17.2). Every method may
 * block on a disk, and none tells anything but whether a secret holds.
 */
public interface PushRights {
    /**
     * Whom an API key belongs to.
     *
     * @param namespace the team's slug, under which its images lie
     * @param mayPush whether the team may change anything
     */
    record KeyHolder(String namespace, boolean mayPush) {}

    /** The person whose access token that is. */
    Optional<UUID> personOf(String accessToken);

    /** Whether a team of the person owns a build of the template that still waits. */
    boolean ownsWaitingBuild(UUID person, String templateId);

    /** The team whose API key that is, unless it is banned. */
    Optional<KeyHolder> holderOf(String apiKey);

    /** Whether that is the operator's secret; never when there is no operator. */
    boolean isOperator(String secret);
}

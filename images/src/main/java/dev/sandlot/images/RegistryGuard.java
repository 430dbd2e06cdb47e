package dev.sandlot.images;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.util.Optional;

/** Who may do what in which repository; asked by the endpoint before it looks at anything. */
public interface RegistryGuard {
    /** What can be done in a repository. */
    enum Act {
        PULL,
        PUSH,
        DELETE
    }

    /** What somebody who showed a credential may do. */
    interface Grant {
        boolean allows(RepositoryName repository, Act act);

        /** Whether a refusal asks for another credential (401) instead of being final (403). */
        default boolean isRenewable() {
            return false;
        }
    }

    /** What the sender of a request may do; empty when it shows no credential or an unknown one. */
    Optional<Grant> grant(Exchange exchange);

    /**
     * The {@code WWW-Authenticate} of a 401.
     *
     * @param scope what the request needs, such as {@code repository:a/b:pull}; empty when it needs nothing more
     */
    String challenge(Exchange exchange, String scope);

    /**
     * Answers a request for a token.
     *
     * @throws RegistryException when none is given
     */
    void issue(Exchange exchange) throws IOException, RegistryException;
}

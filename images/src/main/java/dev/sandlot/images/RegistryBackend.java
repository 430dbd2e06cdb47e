package dev.sandlot.images;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;

/** What lies behind the registry's door: our own content, or a registry of the operator's. */
interface RegistryBackend {
    /**
     * Answers a request that the guard let in.
     *
     * @param grant what else its sender may do
     */
    void serve(Exchange exchange, RegistryPath.InRepository path, RegistryGuard.Grant grant)
            throws IOException, RegistryException;
}

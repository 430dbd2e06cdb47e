package dev.sandlot.app;

import java.io.IOException;
import java.net.URI;

/** A server that answers. */
public interface RunningServer {
    /** What becomes of the sandboxes when their server stops. */
    enum Sandboxes {
        /** They go on, and the next start takes them over. */
        KEEP,
        /** They end with it. */
        END
    }

    /** Where it answers, with the real ports. */
    record Addresses(URI api, URI traffic, URI debug) {}

    /** Sandboxes by what they do. */
    record Stats(int running, int paused) {}

    /** Where it answers. */
    Addresses addresses();

    /**
     * What comes after {@code <port>-<sandbox ID>.} in host names at which ports of sandboxes answer to clients of this
     * machine, with the port of the server where it needs one; empty when there is no such name.
     */
    String sandboxDomain();

    /** The API key of the team made at the first start; the same at every start. */
    String apiKey();

    /** What it has now. */
    Stats stats();

    /**
     * Stops: no new requests, those under way end or are cut, state is written. Returns when nothing of the server
     * is left. A second call does nothing.
     *
     * @return sandboxes that go on
     */
    int close(Sandboxes sandboxes) throws IOException;
}

package dev.sandlot.edge;

/**
 * One address of the front door.
 *
 * @param address host name or IP address to bind; {@code 0.0.0.0} for all
 * @param port the port, or 0 for any free one
 * @param kind what may be asked for here
 */
public record FrontListener(String address, int port, Kind kind) {
    /** The port of envd, which the debug mode of the SDKs means when it names none. */
    public static final int ENVD_PORT = 49983;

    /** What a listener serves. */
    public enum Kind {
        /** The API, and sandbox traffic by host or headers. */
        ALL,
        /** Sandbox traffic by host or headers alone. */
        TRAFFIC,
        /** Sandbox traffic for the SDKs' debug mode: the sandbox by header, the port 49983 unless named. */
        DEBUG,
        /** The image registry alone. When the address is taken the door opens without it. */
        REGISTRY
    }

    public FrontListener {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("Not a port: " + port);
        }
    }
}

package dev.sandlot.edge;

import dev.sandlot.protocol.SandboxId;

/** Where a request is to go. */
sealed interface Destination {
    /** The REST API. */
    record Api() implements Destination {}

    /** A port of a sandbox. */
    record Sandbox(SandboxId id, int port) implements Destination {}

    /** Nowhere: the address makes no sense, and the text says why. */
    record Refused(String reason) implements Destination {}
}

package dev.sandlot.envd;

import java.time.Duration;
import java.time.Instant;

/** How far the sandbox's clock may be from the control plane's (envd.md 8.1). */
final class ClockDrift {
    private static final Duration BEHIND = Duration.ofMillis(50);
    private static final Duration AHEAD = Duration.ofSeconds(5);

    private ClockDrift() {}

    /** Whether the clock is more than 50 ms behind, or more than 5 s ahead. */
    static boolean tooLarge(Instant clock, Instant controlPlane) {
        Duration ahead = Duration.between(controlPlane, clock);
        return ahead.compareTo(BEHIND.negated()) < 0 || ahead.compareTo(AHEAD) > 0;
    }
}

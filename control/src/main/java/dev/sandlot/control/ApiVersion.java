package dev.sandlot.control;

import java.time.Duration;

/** The two forms in which create and connect are offered (public-api.md 7.1, 7.3). */
enum ApiVersion {
    V1(0, Duration.ofSeconds(15)),
    V2(1, Duration.ofMinutes(5));

    private final int leastTimeout;
    private final Duration createTimeout;

    ApiVersion(int leastTimeout, Duration createTimeout) {
        this.leastTimeout = leastTimeout;
        this.createTimeout = createTimeout;
    }

    /** The least number of seconds that the description lets through. */
    int leastTimeout() {
        return leastTimeout;
    }

    /** How long a new sandbox lives when its creator does not say. */
    Duration createTimeout() {
        return createTimeout;
    }
}

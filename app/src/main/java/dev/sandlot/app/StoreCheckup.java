package dev.sandlot.app;

import dev.sandlot.control.RedisAddress;
import dev.sandlot.control.StoreException;
import dev.sandlot.control.StoreLocation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether the store, and the Redis, that the settings name answer. */
final class StoreCheckup implements Doctor.Checkup {
    private static final String NAME = "store";

    private final StoreLocation location;
    private final @Nullable RedisAddress redis;

    /** @param redis null when the server counts for itself */
    StoreCheckup(StoreLocation location, @Nullable RedisAddress redis) {
        this.location = location;
        this.redis = redis;
    }

    @Override
    public List<Finding> required() {
        return List.of();
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        List<Finding> findings = new ArrayList<>(store());
        if (redis != null) {
            findings.add(rates(redis));
        }
        return findings;
    }

    private static Finding rates(RedisAddress redis) {
        try {
            return Finding.ok("rate limits", redis.look());
        } catch (StoreException e) {
            return Finding.degraded(
                    "rate limits", e.getMessage() + "; requests pass uncounted", "start it, or correct REDIS_URL");
        }
    }

    private List<Finding> store() {
        try {
            String found = location.look();
            return List.of(
                    location instanceof StoreLocation.Memory ? Finding.note(NAME, found) : Finding.ok(NAME, found));
        } catch (StoreException e) {
            return List.of(Finding.missing(
                    NAME, String.valueOf(e.getMessage()), "correct the settings of the store (docs/stores.md)"));
        }
    }
}

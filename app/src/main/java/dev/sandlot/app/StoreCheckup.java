package dev.sandlot.app;

import dev.sandlot.control.StoreException;
import dev.sandlot.control.StoreLocation;
import java.util.List;

/** Whether the store that the settings name answers. */
final class StoreCheckup implements Doctor.Checkup {
    private static final String NAME = "store";

    private final StoreLocation location;

    StoreCheckup(StoreLocation location) {
        this.location = location;
    }

    @Override
    public List<Finding> required() {
        return List.of();
    }

    @Override
    public List<Finding> further(boolean isRoot) {
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

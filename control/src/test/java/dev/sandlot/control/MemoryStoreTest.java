package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The store in memory. */
class MemoryStoreTest extends StoreContract {
    @Override
    protected Store open() {
        return new StoreLocation.Memory().open(new StoreUse(Path.of("data"), null));
    }

    @Test
    void twoStoresInMemoryShareNothing() {
        try (Store one = open();
                Store other = open()) {
            one.teams().putTier(new TeamStore.Tier("tier", new Team.Limits(1, 1)));
            one.teams().ensureTeam(new TeamStore.NewTeam(UUID.randomUUID(), "Mine", "mine", "tier", UUID.randomUUID()));
            assertThat(one.teams().bySlug("mine")).isPresent();
            assertThat(other.teams().bySlug("mine")).isEmpty();
        }
    }
}

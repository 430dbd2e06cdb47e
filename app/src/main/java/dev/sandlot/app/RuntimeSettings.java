package dev.sandlot.app;

import dev.sandlot.runtime.AddressPlan;
import dev.sandlot.runtime.OciRuntime;
import dev.sandlot.runtime.RangeRegistry;
import dev.sandlot.runtime.Ranges;
import dev.sandlot.runtime.RuntimeConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The runtime's settings out of ours, with addresses and users that no other Sandlot of the machine has. */
final class RuntimeSettings {
    private static final String ADVICE = "\n  Set " + Setting.SLOT_CIDR.key() + " (" + Setting.SLOT_CIDR.variable()
            + ") to a free range, or leave it out to have one chosen; " + Setting.MAX_SANDBOXES.key()
            + " and " + Setting.BUILDS_AT_ONCE.key() + " say how many sandboxes it must have room for.";

    private final Settings settings;
    private final RangeRegistry registry;

    RuntimeSettings(Settings settings, RangeRegistry registry) {
        this.settings = settings;
        this.registry = registry;
    }

    static RuntimeSettings of(Settings settings) {
        return new RuntimeSettings(settings, RangeRegistry.ofMachine());
    }

    /** For a server: the ranges become its own. */
    RuntimeConfig claim() throws IOException {
        boolean inUse = !OciRuntime.alive(known()).isEmpty();
        try {
            return over(registry.claim(data(), wanted(), settings.slots(), inUse));
        } catch (IOException e) {
            throw new IOException(e.getMessage() + ADVICE, e);
        }
    }

    /** For a look: the ranges it has, or those of the defaults when it has none. */
    RuntimeConfig known() throws IOException {
        Optional<Ranges> ranges = registry.of(data());
        if (ranges.isPresent()) {
            return over(ranges.get());
        }
        RuntimeConfig defaults = RuntimeConfig.defaults(settings.dataDir());
        AddressPlan wanted = wanted();
        int most = Math.min(settings.slots(), defaults.maxSlots());
        return over(new Ranges(
                data().toString(), (wanted == null ? defaults.addresses() : wanted).cidr(), defaults.uidBase(), most));
    }

    /** Gives the ranges back. */
    void release() throws IOException {
        registry.release(data());
    }

    private Path data() {
        return RuntimeConfig.defaults(settings.dataDir()).dataDirectory();
    }

    private @Nullable AddressPlan wanted() {
        String cidr = settings.isolation().slotCidr();
        return cidr.isEmpty() ? null : AddressPlan.parse(cidr);
    }

    private RuntimeConfig over(Ranges ranges) {
        RuntimeConfig defaults = RuntimeConfig.defaults(settings.dataDir());
        return new RuntimeConfig(
                defaults.dataDirectory(),
                settings.runDir(),
                settings.isolation().ociBinary(),
                ranges.addresses(),
                ranges.uidBase(),
                settings.isolation().slotsReady(),
                ranges.slots(),
                defaults.concurrentStarts());
    }
}

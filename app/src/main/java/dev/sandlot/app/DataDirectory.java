package dev.sandlot.app;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32;

/** Where an installation lives when nobody says otherwise. */
final class DataDirectory {
    private static final Path ROOTS_OWN = Path.of("/var/lib/sandlot");

    private DataDirectory() {}

    /** {@code /var/lib/sandlot} for root, else {@code ~/.local/share/sandlot}. */
    static Path defaultPath(Map<String, String> environment, boolean isRoot, Path home) {
        String named = environment.getOrDefault("SANDLOT_DATA_DIR", "");
        if (!named.isEmpty()) {
            return Path.of(named).toAbsolutePath().normalize();
        }
        return isRoot ? ROOTS_OWN : home.resolve(".local/share/sandlot");
    }

    /**
     * Beside the data directory's own name in {@code /run}, which is emptied at a reboot together with all that its
     * contents stand for; inside the data directory where {@code /run} cannot be written to.
     */
    static Path defaultRunDir(Path dataDir) {
        Path run = Path.of(dataDir.equals(ROOTS_OWN) ? "/run/sandlot" : "/run/sandlot-" + shortName(dataDir));
        return Files.isDirectory(run) || Files.isWritable(Path.of("/run")) ? run : dataDir.resolve("run");
    }

    private static String shortName(Path dataDir) {
        CRC32 crc = new CRC32();
        crc.update(dataDir.toString().getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }
}

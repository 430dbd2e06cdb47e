package dev.sandlot.app;

import java.nio.file.Path;

/** Where the parts of the server keep what they keep, below the data directory. */
record Layout(Path dataDir) {
    Path pool() {
        return dataDir.resolve("pool");
    }

    Path builds() {
        return dataDir.resolve("builds");
    }

    Path store() {
        return dataDir.resolve("sandlot.db");
    }

    /** Which store the data directory belongs to. */
    StoreMark storeMark() {
        return new StoreMark(dataDir.resolve("store-id"));
    }

    SecretFile apiKey() {
        return new SecretFile(dataDir.resolve("api-key"));
    }

    SecretFile adminToken() {
        return new SecretFile(dataDir.resolve("admin-token"));
    }

    SecretFile tokenSeed() {
        return new SecretFile(dataDir.resolve("token-seed"));
    }
}

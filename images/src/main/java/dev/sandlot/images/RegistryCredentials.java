package dev.sandlot.images;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Who asks a registry. */
public record RegistryCredentials(String user, String password) {
    String basic() {
        return "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
        return "RegistryCredentials[" + user + ", ***]";
    }
}

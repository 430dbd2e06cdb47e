package dev.sandlot.protocol;

/** Who asks a registry for an image (template-build.md 4). None of them shows its secret as text. */
public sealed interface ImageCredentials {
    /** A name and a password, or a token in its place. */
    record Basic(String username, String password) implements ImageCredentials {
        @Override
        public String toString() {
            return "Basic[" + username + "]";
        }
    }

    /** Keys that are exchanged for a short-lived login of a registry in that region. */
    record Aws(String accessKeyId, String secretAccessKey, String region) implements ImageCredentials {
        @Override
        public String toString() {
            return "Aws[" + region + "]";
        }
    }

    /** A service account, as its JSON document. */
    record Gcp(String serviceAccountJson) implements ImageCredentials {
        @Override
        public String toString() {
            return "Gcp";
        }
    }
}

package dev.sandlot.images;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a path of the registry means (OCI distribution specification, "Endpoints"). */
sealed interface RegistryPath {
    /** Whether the registry is there, {@code /v2/}. */
    record Base() implements RegistryPath {}

    /** Whether the server is well, {@code /health} (template-build.md 17.2). */
    record Health() implements RegistryPath {}

    /** Where tokens are given out, {@code /v2/token}. */
    record Token() implements RegistryPath {}

    /** Something in a repository. */
    sealed interface InRepository extends RegistryPath {
        RepositoryName repository();
    }

    /** A blob by its digest. */
    record Blob(RepositoryName repository, Digest digest) implements InRepository {}

    /** Where uploads begin. */
    record Uploads(RepositoryName repository) implements InRepository {}

    /** An upload under way; what its ID may be is for those who gave it out. */
    record Upload(RepositoryName repository, String id) implements InRepository {}

    /** A manifest by tag or digest, not yet looked at: a bad one is not the same failure everywhere. */
    record Manifest(RepositoryName repository, String reference) implements InRepository {}

    /** The list of tags. */
    record Tags(RepositoryName repository) implements InRepository {}

    /** What points to a manifest. */
    record Referrers(RepositoryName repository, Digest digest) implements InRepository {}

    Pattern IN_REPOSITORY = Pattern.compile("/v2/(.+)/(?:(blobs/uploads)/?|blobs/uploads/([^/]+)|blobs/([^/]+)"
            + "|manifests/([^/]+)|(tags)/list|referrers/([^/]+))");
    int MAX_LENGTH = 8192;

    /**
     * Reads a path as it came.
     *
     * @throws RegistryException when it is one of the registry's but a name or digest in it is none, and when it is
     *     none of the registry's
     */
    static RegistryPath parse(String rawPath) throws RegistryException {
        return switch (rawPath) {
            case "/v2/" -> new Base();
            case "/health" -> new Health();
            case "/v2/token" -> new Token();
            default -> inRepository(rawPath);
        };
    }

    private static InRepository inRepository(String rawPath) throws RegistryException {
        Matcher m = IN_REPOSITORY.matcher(rawPath.length() > MAX_LENGTH ? "" : decoded(rawPath));
        if (!m.matches()) {
            throw unserved();
        }
        return inRepository(m);
    }

    private static InRepository inRepository(Matcher m) throws RegistryException {
        RepositoryName name = RepositoryName.parse(m.group(1))
                .orElseThrow(() -> new RegistryException(RegistryError.NAME_INVALID, "invalid repository name"));
        if (m.group(2) != null) {
            return new Uploads(name);
        }
        if (m.group(3) != null) {
            return new Upload(name, m.group(3));
        }
        if (m.group(4) != null) {
            return new Blob(name, digest(m.group(4)));
        }
        if (m.group(5) != null) {
            return new Manifest(name, m.group(5));
        }
        return m.group(6) != null ? new Tags(name) : new Referrers(name, digest(m.group(7)));
    }

    /** The digest that a client named. */
    static Digest digest(String text) throws RegistryException {
        return findDigest(text)
                .orElseThrow(() -> new RegistryException(
                        RegistryError.DIGEST_INVALID, "invalid digest; sha256 with 64 lower-case digits is expected"));
    }

    /** A digest, if the text is one. */
    static Optional<Digest> findDigest(String text) {
        try {
            return Optional.of(Digest.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String decoded(String rawPath) throws RegistryException {
        if (rawPath.indexOf('%') < 0) {
            return rawPath;
        }
        try {
            return URLDecoder.decode(rawPath.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw unserved();
        }
    }

    private static RegistryException unserved() {
        return new RegistryException(RegistryError.NOT_SERVED, "there is nothing of a registry at this path");
    }
}

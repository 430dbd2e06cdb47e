package dev.sandlot.images;

import dev.sandlot.images.RegistryGuard.Act;
import dev.sandlot.images.RegistryGuard.Grant;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A registry of the operator's behind our door (template-build.md 17.2): repositories of builds lie there below
 * another prefix, the client's credential is replaced by the operator's, and what the registry says about where to go
 * on leads back to us. Other repositories keep their names.
 */
public final class UpstreamRegistry implements RegistryBackend, AutoCloseable {
    private final UpstreamAddress address;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final List<String> ASKED =
            List.of("Accept", "Content-Type", "Content-Range", "Range", "If-None-Match", "User-Agent");
    private static final List<String> TOLD = List.of(
            "Content-Type",
            "Content-Range",
            "Accept-Ranges",
            "Range",
            "Etag",
            "Docker-Content-Digest",
            "Docker-Upload-Uuid",
            "OCI-Subject",
            "OCI-Filters-Applied",
            "OCI-Chunk-Min-Length",
            "Retry-After");

    private final URI base;
    private final String namespace;
    private final SealedLocation seal;
    private final UpstreamAuthorization authorization;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();

    /**
     * A registry.
     *
     * @param url {@code http(s)://host[:port]}; a user and password in it are the operator's
     * @param namespace what stands there in place of {@code e2b/custom-envs}
     * @param secret what uploads are sealed with; the same after a restart lets them go on
     * @throws IllegalArgumentException when the address or the namespace is none
     */
    public UpstreamRegistry(String url, String namespace, String secret) {
        this.address = UpstreamAddress.parse(url);
        this.base = address.base();
        this.namespace = new RepositoryName(namespace).text();
        this.seal = new SealedLocation(secret);
        this.authorization = new UpstreamAuthorization(http, base, address.credentials());
    }

    /** The images that were pushed through this door, to be pulled from there into the layers of this machine. */
    public PushedImages images(LayerStore layers) {
        return (templateId, buildId) -> RegistryImage.pull(
                new ImageReference(base.getAuthority(), namespace + "/" + templateId, buildId.toString()),
                address.credentials(),
                address.access(),
                layers,
                Progress.NONE);
    }

    /** Whether what goes to an address, the operator's password too, can be read on its way. */
    public static boolean isReadable(String url) {
        URI base = UpstreamAddress.parse(url).base();
        return base.getScheme().equals("http") && !new ImageReference(base.getAuthority(), "x", "x").isLoopback();
    }

    /**
     * Checks an address.
     *
     * @return the host and port that it names
     * @throws IllegalArgumentException when it is none
     */
    public static String requireAddress(String url) {
        return UpstreamAddress.parse(url).base().getAuthority();
    }

    @Override
    public void serve(Exchange exchange, RegistryPath.InRepository path, Grant grant)
            throws IOException, RegistryException {
        URI target = base.resolve(target(exchange, path, grant));
        try {
            HttpRequest request = request(exchange, target, scope(exchange, path));
            HttpResponse<InputStream> answer = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream body = answer.body()) {
                tell(exchange, path, target, answer, body);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while asking " + base.getAuthority(), e);
        } catch (IOException e) {
            if (exchange.started()) {
                throw e;
            }
            throw new RegistryException(
                    RegistryError.UNREACHABLE, "the operator's registry does not answer: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        http.close();
    }

    private RepositoryName there(RepositoryName name) {
        return name.isUnder(TokenGuard.BUILDS)
                ? new RepositoryName(namespace + name.text().substring(TokenGuard.BUILDS.length()))
                : name;
    }

    private String scope(Exchange exchange, RegistryPath.InRepository path) {
        boolean upload = path instanceof RegistryPath.Uploads || path instanceof RegistryPath.Upload;
        String acts = switch (exchange.method()) {
            case "GET", "HEAD" -> upload ? "pull,push" : "pull";
            case "DELETE" -> upload ? "pull,push" : "delete";
            default -> "pull,push";
        };
        return "repository:" + there(path.repository()) + ":" + acts;
    }

    private String target(Exchange exchange, RegistryPath.InRepository path, Grant grant) throws RegistryException {
        String prefix = "/v2/" + there(path.repository());
        return switch (path) {
            case RegistryPath.Blob blob -> prefix + "/blobs/" + blob.digest();
            case RegistryPath.Uploads _ -> prefix + "/blobs/uploads/" + uploadQuery(exchange, grant);
            case RegistryPath.Upload upload -> continued(exchange, upload);
            case RegistryPath.Manifest manifest -> prefix + "/manifests/" + reference(exchange, manifest);
            case RegistryPath.Tags _ -> prefix + "/tags/list" + query(exchange, "n", "last");
            case RegistryPath.Referrers referrers ->
                prefix + "/referrers/" + referrers.digest() + query(exchange, "artifactType", "last");
        };
    }

    private static String reference(Exchange exchange, RegistryPath.Manifest manifest) throws RegistryException {
        String reference = manifest.reference();
        if (Tag.parse(reference).isPresent()
                || RegistryPath.findDigest(reference).isPresent()) {
            return reference;
        }
        throw new RegistryException(
                exchange.method().equals("PUT") ? RegistryError.TAG_INVALID : RegistryError.MANIFEST_UNKNOWN,
                "the manifest's name is neither a tag nor a sha256 digest");
    }

    /** A mount is asked for only where the sender may read what is mounted. */
    private String uploadQuery(Exchange exchange, Grant grant) {
        RegistryQuery query = RegistryQuery.parse(exchange.rawQuery());
        Optional<RepositoryName> from = query.first("from").flatMap(RepositoryName::parse);
        Optional<Digest> mount = query.first("mount").flatMap(RegistryPath::findDigest);
        if (mount.isPresent() && from.isPresent() && grant.allows(from.get(), Act.PULL)) {
            return "?mount=" + encoded(mount.get().toString()) + "&from="
                    + encoded(there(from.get()).text());
        }
        return mount.isPresent() ? "" : query(exchange, "digest");
    }

    private String continued(Exchange exchange, RegistryPath.Upload upload) throws RegistryException {
        String location = seal.open(upload.repository(), upload.id())
                .orElseThrow(() -> new RegistryException(RegistryError.BLOB_UPLOAD_UNKNOWN, "there is no such upload"));
        String more = query(exchange, "digest");
        return location.contains("?") && !more.isEmpty() ? location + "&" + more.substring(1) : location + more;
    }

    private static String query(Exchange exchange, String... names) {
        RegistryQuery query = RegistryQuery.parse(exchange.rawQuery());
        StringBuilder text = new StringBuilder();
        for (String name : names) {
            query.first(name)
                    .ifPresent(value -> text.append(text.isEmpty() ? "?" : "&")
                            .append(name)
                            .append("=")
                            .append(encoded(value)));
        }
        return text.toString();
    }

    private HttpRequest request(Exchange exchange, URI target, String scope) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(target).method(exchange.method(), body(exchange));
        for (String name : ASKED) {
            exchange.requestHeaders().all(name).forEach(value -> request.header(name, value));
        }
        authorization.header(scope).ifPresent(value -> request.header("Authorization", value));
        return request.build();
    }

    private static BodyPublisher body(Exchange exchange) {
        long length = exchange.requestLength();
        if (length == 0) {
            return BodyPublishers.noBody();
        }
        BodyPublisher stream = BodyPublishers.ofInputStream(exchange::requestBody);
        return length < 0 ? stream : BodyPublishers.fromPublisher(stream, length);
    }

    private void tell(
            Exchange exchange,
            RegistryPath.InRepository path,
            URI target,
            HttpResponse<InputStream> answer,
            InputStream body)
            throws IOException, RegistryException {
        if (answer.statusCode() == 401) {
            throw new RegistryException(
                    RegistryError.UNREACHABLE, "the operator's registry refuses the operator's credentials");
        }
        for (String name : TOLD) {
            answer.headers()
                    .allValues(name)
                    .forEach(value -> exchange.responseHeaders().add(name, value));
        }
        String location = answer.headers().firstValue("Location").orElse(null);
        if (location != null) {
            exchange.responseHeaders().set("Location", location(path, answer.statusCode(), target, location));
        }
        answer.headers()
                .firstValue("Link")
                .ifPresent(link -> exchange.responseHeaders().set("Link", link(path, link)));
        OptionalLong length = answer.headers().firstValueAsLong("Content-Length");
        try (OutputStream out = exchange.start(answer.statusCode(), length.orElse(-1))) {
            if (!exchange.method().equals("HEAD")) {
                body.transferTo(out);
            }
        }
    }

    private String link(RegistryPath.InRepository path, String link) {
        return link.replace(base.resolve("/v2/").toString(), "/v2/")
                .replace("/v2/" + there(path.repository()) + "/", "/v2/" + path.repository() + "/");
    }

    /** Where the client is to go on: with us, or where the registry keeps its blobs. */
    private String location(RegistryPath.InRepository path, int status, URI target, String location)
            throws RegistryException {
        URI resolved;
        try {
            resolved = target.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new RegistryException(RegistryError.UNREACHABLE, "the operator's registry gave a bad location");
        }
        boolean own = base.getAuthority().equals(resolved.getAuthority());
        String here = resolved.getRawPath() + (resolved.getRawQuery() == null ? "" : "?" + resolved.getRawQuery());
        boolean upload = path instanceof RegistryPath.Uploads || path instanceof RegistryPath.Upload;
        if (upload && status != 201) {
            if (!own) {
                throw new RegistryException(
                        RegistryError.UNREACHABLE, "the operator's registry leads an upload to another host");
            }
            return "/v2/" + path.repository() + "/blobs/uploads/" + seal.seal(path.repository(), here);
        }
        String prefix = "/v2/" + there(path.repository()) + "/";
        return own && here.startsWith(prefix)
                ? "/v2/" + path.repository() + "/" + here.substring(prefix.length())
                : resolved.toString();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** A registry's address with the credentials that stood in it. */
    record UpstreamAddress(URI base, @Nullable RegistryCredentials credentials) {
        RegistryAccess access() {
            return base.getScheme().equals("http") ? RegistryAccess.ANY_PLAIN : RegistryAccess.ANY;
        }

        static UpstreamAddress parse(String url) {
            URI uri = URI.create(url.contains("://") ? url : "https://" + url);
            String path = uri.getPath() == null ? "" : uri.getPath();
            boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (!web || uri.getHost() == null || !(path.isEmpty() || path.equals("/")) || uri.getQuery() != null) {
                throw new IllegalArgumentException("not the address of a registry (http(s)://[user:password@]host)");
            }
            String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
            String user = uri.getUserInfo();
            int colon = user == null ? -1 : user.indexOf(':');
            return new UpstreamAddress(
                    URI.create(uri.getScheme() + "://" + uri.getHost() + port + "/"),
                    user == null || colon < 0
                            ? null
                            : new RegistryCredentials(user.substring(0, colon), user.substring(colon + 1)));
        }
    }
}

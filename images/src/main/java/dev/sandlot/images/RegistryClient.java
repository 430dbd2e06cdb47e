package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads one repository of a registry (OCI distribution specification, "Pull").
 *
 * <p>HTTPS always, but for registries on this machine. Credentials go to the registry and to the token service that
 * it names, never to where a blob is redirected. Nothing that comes back is trusted: documents are bounded, blobs
 * checked against size and digest. Safe for many threads.
 */
final class RegistryClient implements AutoCloseable {
    private static final int MAX_DOCUMENT_BYTES = 4 << 20;
    private static final int MAX_REDIRECTS = 5;
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(60);
    private static final Pattern PARAMETER = Pattern.compile("([A-Za-z_]+)=\"([^\"]*)\"");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ImageReference image;
    private final @Nullable RegistryCredentials credentials;
    private final HttpClient http = HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    private volatile @Nullable String authorization;

    RegistryClient(ImageReference image, @Nullable RegistryCredentials credentials) {
        this.image = image;
        this.credentials = credentials;
    }

    /** A manifest or index by tag or digest, checked against the digest where that is what was asked for. */
    byte[] manifest(String version, String accept) throws IOException, InterruptedException {
        byte[] bytes = document(at("/manifests/" + version), accept);
        if (version.startsWith("sha256:")) {
            refuseOther(Digest.parse(version), Digest.of(bytes));
        }
        return bytes;
    }

    /** A small blob. */
    byte[] smallBlob(Digest digest) throws IOException, InterruptedException {
        byte[] bytes = document(at("/blobs/" + digest), "*/*");
        refuseOther(digest, Digest.of(bytes));
        return bytes;
    }

    /** Downloads a blob of known size into a file. */
    void blob(Digest digest, long size, Path into) throws IOException, InterruptedException {
        try (InputStream in = opened(at("/blobs/" + digest), "*/*");
                OutputStream out = Files.newOutputStream(into)) {
            refuseOther(digest, copy(in, out, digest, size));
        }
    }

    @Override
    public void close() {
        http.close();
    }

    private static Digest copy(InputStream in, OutputStream out, Digest name, long size) throws IOException {
        MessageDigest digest = Digest.sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        long left = size;
        int read = in.read(buffer);
        while (read >= 0) {
            left -= read;
            if (left < 0) {
                throw new BadLayerException("blob " + name + " is larger than the " + size + " bytes it should have");
            }
            digest.update(buffer, 0, read);
            out.write(buffer, 0, read);
            read = in.read(buffer);
        }
        if (left > 0) {
            throw new IOException("blob " + name + " broke off " + left + " bytes before its end");
        }
        return Digest.finished(digest.digest());
    }

    private void refuseOther(Digest expected, Digest got) throws BadLayerException {
        if (!expected.equals(got)) {
            throw new BadLayerException("the registry gave " + got + " for " + expected + " of " + image);
        }
    }

    private URI at(String path) {
        String scheme = image.isLoopback() ? "http" : "https";
        return URI.create(scheme + "://" + image.registry() + "/v2/" + image.repository() + path);
    }

    private byte[] document(URI uri, String accept) throws IOException, InterruptedException {
        try (InputStream in = opened(uri, accept)) {
            byte[] bytes = in.readNBytes(MAX_DOCUMENT_BYTES + 1);
            if (bytes.length > MAX_DOCUMENT_BYTES) {
                throw new BadLayerException(uri + " is larger than " + MAX_DOCUMENT_BYTES + " bytes");
            }
            return bytes;
        }
    }

    /** The body of a successful answer, after authentication and redirects. */
    private InputStream opened(URI uri, String accept) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send(uri, accept, authorization);
        if (response.statusCode() == 401) {
            response.body().close();
            authorization =
                    authorize(response.headers().firstValue("WWW-Authenticate").orElse(""));
            response = send(uri, accept, authorization);
        }
        return followed(uri, accept, response);
    }

    private InputStream followed(URI uri, String accept, HttpResponse<InputStream> first)
            throws IOException, InterruptedException {
        URI from = uri;
        HttpResponse<InputStream> response = first;
        for (int i = 0; i < MAX_REDIRECTS && isRedirect(response); i++) {
            response.body().close();
            URI to = from.resolve(response.headers().firstValue("Location").orElse(""));
            refusePlain(to);
            boolean sameHost = to.getAuthority().equals(uri.getAuthority());
            response = send(to, accept, sameHost ? authorization : null);
            from = to;
        }
        if (response.statusCode() != 200) {
            response.body().close();
            throw new IOException("the registry answered " + response.statusCode() + " to GET " + uri);
        }
        return response.body();
    }

    private static boolean isRedirect(HttpResponse<?> response) {
        return switch (response.statusCode()) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    private HttpResponse<InputStream> send(URI uri, String accept, @Nullable String authorized)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(ANSWER_TIMEOUT).header("Accept", accept);
        if (authorized != null) {
            request.header("Authorization", authorized);
        }
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (ConnectException | HttpConnectTimeoutException e) {
            throw new RegistryUnreachableException(uri.getAuthority(), e);
        }
    }

    private String authorize(String challenge) throws IOException, InterruptedException {
        RegistryCredentials known = credentials;
        if (challenge.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return "Bearer " + token(parameters(challenge));
        }
        if (challenge.regionMatches(true, 0, "Basic ", 0, 6) && known != null) {
            return known.basic();
        }
        throw new IOException("the registry " + image.registry() + " asks for credentials to read " + image);
    }

    private String token(Map<String, String> challenge) throws IOException, InterruptedException {
        String scope = challenge.getOrDefault("scope", "repository:" + image.repository() + ":pull");
        URI realm = URI.create(challenge.getOrDefault("realm", "") + "?service="
                + encoded(challenge.getOrDefault("service", "")) + "&scope=" + encoded(scope));
        refusePlain(realm);
        HttpResponse<InputStream> response = send(realm, "application/json", basic());
        try (InputStream in = response.body()) {
            if (response.statusCode() != 200) {
                throw new IOException(
                        "no access to " + image + ": its token service answered " + response.statusCode());
            }
            JsonNode answer = JSON.readTree(in.readNBytes(MAX_DOCUMENT_BYTES));
            return answer.path("token").asString(answer.path("access_token").asString(""));
        } catch (JacksonException e) {
            throw new IOException("the token service of " + image.registry() + " gave no token", e);
        }
    }

    private @Nullable String basic() {
        RegistryCredentials known = credentials;
        return known == null ? null : known.basic();
    }

    private void refusePlain(URI uri) throws IOException {
        boolean secure = "https".equals(uri.getScheme());
        boolean local = image.isLoopback() && "http".equals(uri.getScheme());
        if (uri.getHost() == null || !(secure || local)) {
            throw new IOException("the registry " + image.registry() + " points to " + uri + ", which is not HTTPS");
        }
    }

    private static Map<String, String> parameters(String challenge) {
        Map<String, String> found = new LinkedHashMap<>();
        Matcher m = PARAMETER.matcher(challenge);
        while (m.find()) {
            found.put(m.group(1), m.group(2));
        }
        return found;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}

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
 * <p>HTTPS always, but for registries on this machine and what {@link RegistryAccess#ANY_PLAIN} allows. Credentials
 * go to the registry and to the token service that it names, never to where a blob is redirected. Nothing that comes
 * back is trusted: documents are bounded, blobs checked against size and digest. Safe for many threads.
 */
final class RegistryClient implements ImageSource, AutoCloseable {
    private static final int MAX_DOCUMENT_BYTES = 4 << 20;
    private static final int MAX_REDIRECTS = 5;
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration RETRY_PAUSE = Duration.ofMillis(100);
    private static final int RETRIES = 4;
    private static final int MAX_ERROR_BYTES = 16 << 10;
    private static final Pattern PARAMETER = Pattern.compile("([A-Za-z_]+)=\"([^\"]*)\"");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ImageReference image;
    private final @Nullable RegistryCredentials credentials;
    private final RegistryAccess access;
    private final HttpClient http = HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    private volatile @Nullable String authorization;

    RegistryClient(ImageReference image, @Nullable RegistryCredentials credentials, RegistryAccess access) {
        this.image = image;
        this.credentials = credentials;
        this.access = access;
    }

    /** A manifest or index by tag or digest, checked against the digest where that is what was asked for. */
    @Override
    public byte[] manifest(String version, String accept) throws IOException, InterruptedException {
        byte[] bytes = document(at("/manifests/" + version), accept);
        if (version.startsWith("sha256:")) {
            refuseOther(Digest.parse(version), Digest.of(bytes));
        }
        return bytes;
    }

    /** A small blob. */
    @Override
    public byte[] smallBlob(Digest digest) throws IOException, InterruptedException {
        byte[] bytes = document(at("/blobs/" + digest), "*/*");
        refuseOther(digest, Digest.of(bytes));
        return bytes;
    }

    /** Downloads a blob of known size into a file; a transfer that is cut is taken up again where it was. */
    @Override
    public void blob(Digest digest, long size, Path into) throws IOException, InterruptedException {
        try (OutputStream out = Files.newOutputStream(into)) {
            Download download = new Download(digest, size, out);
            int fruitless = 0;
            while (!download.isComplete()) {
                long before = download.done;
                try (InputStream in = opened(at("/blobs/" + digest), "*/*", before)) {
                    download.append(in);
                } catch (BadLayerException | ImageRefusedException e) {
                    throw e;
                } catch (IOException e) {
                    fruitless = download.done > before ? 0 : fruitless + 1;
                    giveUpOrWait(fruitless, e);
                }
            }
            refuseOther(digest, download.digest());
        }
    }

    @Override
    public void close() {
        http.close();
    }

    private static void giveUpOrWait(int fruitless, IOException failure) throws IOException, InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("the download was ended");
        }
        if (fruitless > RETRIES) {
            throw failure;
        }
        Thread.sleep(RETRY_PAUSE.multipliedBy(1L << fruitless));
    }

    /** A blob on its way into a file. */
    private static final class Download {
        private final Digest name;
        private final long size;
        private final OutputStream out;
        private final MessageDigest sum = Digest.sha256();
        private final byte[] buffer = new byte[BUFFER_BYTES];
        private long done;

        Download(Digest name, long size, OutputStream out) {
            this.name = name;
            this.size = size;
            this.out = out;
        }

        boolean isComplete() {
            return done == size;
        }

        void append(InputStream in) throws IOException {
            int read = in.read(buffer);
            while (read >= 0) {
                if (done + read > size) {
                    throw new BadLayerException(
                            "blob " + name + " is larger than the " + size + " bytes it should have");
                }
                sum.update(buffer, 0, read);
                out.write(buffer, 0, read);
                done += read;
                read = in.read(buffer);
            }
            if (done < size) {
                throw new IOException("blob " + name + " broke off " + (size - done) + " bytes before its end");
            }
        }

        Digest digest() {
            return Digest.finished(sum.digest());
        }
    }

    private void refuseOther(Digest expected, Digest got) throws BadLayerException {
        if (!expected.equals(got)) {
            throw new BadLayerException("the registry gave " + got + " for " + expected + " of " + image);
        }
    }

    private URI at(String path) {
        String scheme = isPlain() ? "http" : "https";
        return URI.create(scheme + "://" + image.registry() + "/v2/" + image.repository() + path);
    }

    private boolean isPlain() {
        return image.isLoopback() || access.isPlain();
    }

    private byte[] document(URI uri, String accept) throws IOException, InterruptedException {
        try (InputStream in = opened(uri, accept, 0)) {
            byte[] bytes = in.readNBytes(MAX_DOCUMENT_BYTES + 1);
            if (bytes.length > MAX_DOCUMENT_BYTES) {
                throw new BadLayerException(uri + " is larger than " + MAX_DOCUMENT_BYTES + " bytes");
            }
            return bytes;
        }
    }

    /**
     * The body of a successful answer, after authentication and redirects.
     *
     * @param from how many bytes at its beginning are known already
     */
    private InputStream opened(URI uri, String accept, long from) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send(uri, accept, authorization, from);
        if (response.statusCode() == 401) {
            response.body().close();
            authorization =
                    authorize(response.headers().firstValue("WWW-Authenticate").orElse(""));
            response = send(uri, accept, authorization, from);
        }
        return followed(uri, accept, response, from);
    }

    private InputStream followed(URI uri, String accept, HttpResponse<InputStream> first, long from)
            throws IOException, InterruptedException {
        URI at = uri;
        HttpResponse<InputStream> response = first;
        for (int i = 0; i < MAX_REDIRECTS && isRedirect(response); i++) {
            response.body().close();
            URI to = at.resolve(response.headers().firstValue("Location").orElse(""));
            refusePlain(to);
            boolean sameHost = to.getAuthority().equals(uri.getAuthority());
            response = send(to, accept, sameHost ? authorization : null, from);
            at = to;
        }
        return content(response, from);
    }

    private InputStream content(HttpResponse<InputStream> response, long from) throws IOException {
        String range = response.headers().firstValue("Content-Range").orElse("");
        if (response.statusCode() == 206 && range.startsWith("bytes " + from + "-")) {
            return response.body();
        }
        if (response.statusCode() == 200) {
            response.body().skipNBytes(from);
            return response.body();
        }
        try (InputStream body = response.body()) {
            String text = new String(body.readNBytes(MAX_ERROR_BYTES), StandardCharsets.UTF_8);
            throw refusal(response.statusCode(), text);
        }
    }

    /** template-build.md 13. */
    private IOException refusal(int status, String text) {
        return switch (status) {
            case 401, 403 -> denied();
            case 404 ->
                text.contains("NAME_UNKNOWN")
                        ? new ImageRefusedException("the repository " + image.repository() + " of the image " + image
                                + " is missing in the registry " + image.registry())
                        : new ImageRefusedException("the image " + image
                                + " does not exist: the image or its tag is missing in the registry");
            case 408, 429, 500, 502, 503, 504 ->
                new RegistryStatusException("the registry answered " + status + " for the image " + image);
            default -> new ImageRefusedException("the registry answered " + status + " for the image " + image);
        };
    }

    private ImageRefusedException denied() {
        String hint = credentials == null
                ? "; a private image needs credentials"
                : "; check the credentials and what they permit";
        return new ImageRefusedException("access denied to the image " + image + hint);
    }

    private static boolean isRedirect(HttpResponse<?> response) {
        return switch (response.statusCode()) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    private HttpResponse<InputStream> send(URI uri, String accept, @Nullable String authorized, long from)
            throws IOException, InterruptedException {
        access.check(uri);
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(ANSWER_TIMEOUT).header("Accept", accept);
        if (authorized != null) {
            request.header("Authorization", authorized);
        }
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
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
        throw denied();
    }

    private String token(Map<String, String> challenge) throws IOException, InterruptedException {
        String scope = challenge.getOrDefault("scope", "repository:" + image.repository() + ":pull");
        URI realm = URI.create(challenge.getOrDefault("realm", "") + "?service="
                + encoded(challenge.getOrDefault("service", "")) + "&scope=" + encoded(scope));
        refusePlain(realm);
        HttpResponse<InputStream> response = send(realm, "application/json", basic(), 0);
        try (InputStream in = response.body()) {
            if (response.statusCode() != 200) {
                throw denied();
            }
            JsonNode answer = JSON.readTree(in.readNBytes(MAX_DOCUMENT_BYTES));
            return answer.path("token").asString(answer.path("access_token").asString(""));
        } catch (JacksonException e) {
            throw new ImageRefusedException("the token service of " + image.registry() + " gave no token", e);
        }
    }

    private @Nullable String basic() {
        RegistryCredentials known = credentials;
        return known == null ? null : known.basic();
    }

    private void refusePlain(URI uri) throws IOException {
        boolean secure = "https".equals(uri.getScheme());
        boolean local = isPlain() && "http".equals(uri.getScheme());
        if (uri.getHost() == null || !(secure || local)) {
            throw new ImageRefusedException(
                    "the registry " + image.registry() + " points to " + uri + ", which is not HTTPS");
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

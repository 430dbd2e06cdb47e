package dev.sandlot.images;

import dev.sandlot.images.RegistryGuard.Grant;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The registry over our own content: manifests, tags and referrers; blobs are in classes of their own. */
final class LocalRegistry implements RegistryBackend {
    private static final int MAX_REFERRERS_BYTES = 4 << 20;

    /** Manifests that are pushed have an eighth of the heap. */
    private final BodyBudget bodies = BodyBudget.ofHeap(8);

    private final ContentStore store;
    private final BlobRequests blobs;
    private final UploadRequests uploads;

    LocalRegistry(ContentStore store) {
        this.store = store;
        this.blobs = new BlobRequests(store);
        this.uploads = new UploadRequests(store);
    }

    @Override
    public void serve(Exchange exchange, RegistryPath.InRepository path, Grant grant)
            throws IOException, RegistryException {
        switch (path) {
            case RegistryPath.Blob blob -> blobs.serve(exchange, blob);
            case RegistryPath.Uploads begin -> uploads.begin(exchange, begin, grant);
            case RegistryPath.Upload upload -> uploads.serve(exchange, upload);
            case RegistryPath.Manifest manifest -> manifest(exchange, manifest);
            case RegistryPath.Tags tags -> tags(exchange, tags.repository());
            case RegistryPath.Referrers referrers -> referrers(exchange, referrers);
        }
    }

    private void manifest(Exchange exchange, RegistryPath.Manifest path) throws IOException, RegistryException {
        RegistryEndpoint.requireMethod(exchange, List.of("GET", "HEAD", "PUT", "DELETE"));
        switch (exchange.method()) {
            case "PUT" -> putManifest(exchange, path);
            case "DELETE" -> deleteManifest(exchange, path);
            default -> getManifest(exchange, path);
        }
    }

    private void getManifest(Exchange exchange, RegistryPath.Manifest path) throws IOException, RegistryException {
        ContentStore.Manifest found =
                store.manifest(path.repository(), path.reference()).orElseThrow(LocalRegistry::unknownManifest);
        exchange.responseHeaders()
                .set("Content-Type", found.record().mediaType())
                .set("Docker-Content-Digest", found.digest().toString())
                .set("Etag", '"' + found.digest().toString() + '"');
        try (OutputStream out = exchange.start(200, found.content().bytes().length)) {
            if (exchange.method().equals("GET")) {
                out.write(found.content().bytes());
            }
        }
    }

    private void putManifest(Exchange exchange, RegistryPath.Manifest path) throws IOException, RegistryException {
        Optional<Digest> named = RegistryPath.findDigest(path.reference());
        Optional<Tag> tag = Tag.parse(path.reference());
        if (named.isEmpty() && tag.isEmpty()) {
            throw new RegistryException(
                    path.reference().contains(":") ? RegistryError.DIGEST_INVALID : RegistryError.TAG_INVALID,
                    "the manifest's name is neither a tag nor a sha256 digest");
        }
        try (BodyBudget.Lease memory = bodies.lease(path.repository().text(), BodyBudget.TEXT)) {
            putManifest(exchange, path, body(exchange, memory));
        }
    }

    private void putManifest(Exchange exchange, RegistryPath.Manifest path, byte[] bytes)
            throws IOException, RegistryException {
        Optional<Digest> named = RegistryPath.findDigest(path.reference());
        Optional<Tag> tag = Tag.parse(path.reference());
        if (named.isPresent() && !named.get().equals(Digest.of(bytes))) {
            throw new RegistryException(
                    RegistryError.DIGEST_INVALID, "the manifest is " + Digest.of(bytes) + " and not " + named.get());
        }
        ManifestDocument document = ManifestDocument.read(bytes, contentType(exchange));
        Digest digest = store.putManifest(path.repository(), bytes, document, tag.orElse(null));
        exchange.responseHeaders()
                .set("Location", "/v2/" + path.repository() + "/manifests/" + digest)
                .set("Docker-Content-Digest", digest.toString());
        document.record()
                .pointsTo()
                .ifPresent(subject -> exchange.responseHeaders().set("OCI-Subject", subject.toString()));
        exchange.send(201, new byte[0]);
    }

    private byte[] body(Exchange exchange, BodyBudget.Lease memory) throws IOException, RegistryException {
        int limit = store.limits().manifestBytes();
        if (exchange.requestLength() > limit) {
            throw tooLarge(limit);
        }
        try {
            byte[] bytes = memory.read(exchange.requestBody(), limit + 1);
            if (bytes.length > limit) {
                throw tooLarge(limit);
            }
            return bytes;
        } catch (BodyBudget.Exceeded e) {
            throw new RegistryException(RegistryError.TOOMANYREQUESTS, e.text());
        }
    }

    private static RegistryException tooLarge(int limit) {
        return new RegistryException(
                RegistryError.TOO_LARGE, "the manifest is larger than the " + limit + " bytes that are taken");
    }

    private static @Nullable String contentType(Exchange exchange) {
        return exchange.requestHeaders().first("Content-Type").orElse(null);
    }

    private void deleteManifest(Exchange exchange, RegistryPath.Manifest path) throws IOException, RegistryException {
        Optional<Digest> digest = RegistryPath.findDigest(path.reference());
        Optional<Tag> tag = Tag.parse(path.reference());
        boolean removed = digest.isPresent()
                ? store.removeManifest(path.repository(), digest.get())
                : tag.isPresent() && store.removeTag(path.repository(), tag.get());
        if (!removed) {
            throw unknownManifest();
        }
        exchange.send(202, new byte[0]);
    }

    private void tags(Exchange exchange, RepositoryName name) throws IOException, RegistryException {
        RegistryEndpoint.requireMethod(exchange, List.of("GET", "HEAD"));
        Repository repository = store.repository(name);
        if (!repository.exists()) {
            throw new RegistryException(RegistryError.NAME_UNKNOWN, "there is no such repository");
        }
        RegistryQuery query = RegistryQuery.parse(exchange.rawQuery());
        String last = query.first("last").orElse("");
        List<String> after = repository.tags().stream()
                .map(Tag::text)
                .filter(tag -> last.isEmpty() || tag.compareTo(last) > 0)
                .toList();
        int limit = limit(query).orElse(after.size());
        List<String> page = after.subList(0, Math.min(limit, after.size()));
        if (page.size() < after.size() && !page.isEmpty()) {
            exchange.responseHeaders()
                    .set(
                            "Link",
                            "</v2/" + name + "/tags/list?n=" + limit + "&last=" + page.getLast() + ">; rel=\"next\"");
        }
        RegistryEndpoint.json(exchange, 200, Map.of("name", name.text(), "tags", page));
    }

    private static Optional<Integer> limit(RegistryQuery query) throws RegistryException {
        Optional<String> text = query.first("n");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        if (!text.get().matches("[0-9]{1,9}")) {
            throw new RegistryException(RegistryError.PAGINATION_NUMBER_INVALID, "n must be a whole number");
        }
        return Optional.of(Integer.parseInt(text.get()));
    }

    private void referrers(Exchange exchange, RegistryPath.Referrers path) throws IOException, RegistryException {
        RegistryEndpoint.requireMethod(exchange, List.of("GET", "HEAD"));
        RegistryQuery query = RegistryQuery.parse(exchange.rawQuery());
        Optional<String> type = query.first("artifactType");
        ReferrersPage page = ReferrersPage.of(
                store.repository(path.repository()),
                path.digest(),
                type.orElse(""),
                query.first("last").orElse(""),
                MAX_REFERRERS_BYTES);
        if (type.isPresent()) {
            exchange.responseHeaders().set("OCI-Filters-Applied", "artifactType");
        }
        page.next().ifPresent(last -> exchange.responseHeaders().set("Link", nextReferrers(path, query, last)));
        exchange.responseHeaders().set("Content-Type", ManifestDocument.OCI_INDEX);
        exchange.send(200, page.index());
    }

    private static String nextReferrers(RegistryPath.Referrers path, RegistryQuery query, Digest last) {
        String type = query.first("artifactType")
                .map(text -> "&artifactType=" + URLEncoder.encode(text, StandardCharsets.UTF_8))
                .orElse("");
        return "</v2/" + path.repository() + "/referrers/" + path.digest() + "?last=" + last + type + ">; rel=\"next\"";
    }

    private static RegistryException unknownManifest() {
        return new RegistryException(RegistryError.MANIFEST_UNKNOWN, "there is no such manifest in the repository");
    }
}

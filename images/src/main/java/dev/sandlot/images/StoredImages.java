package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.util.UUID;

/** Images that were pushed to our own registry: their layers are unpacked from the content as it was pushed. */
public final class StoredImages implements PushedImages {
    private static final int MAX_DOCUMENT_BYTES = 4 << 20;
    private static final String HERE = "localhost";

    private final ContentStore content;
    private final LayerStore layers;

    public StoredImages(ContentStore content, LayerStore layers) {
        this.content = content;
        this.layers = layers;
    }

    @Override
    public PulledImage image(String templateId, UUID buildId) throws IOException, InterruptedException {
        ImageReference image = new ImageReference(HERE, repository(templateId).text(), buildId.toString());
        return RegistryImage.take(image, new Parts(content, repository(templateId), image), layers, Progress.NONE);
    }

    @Override
    public void forget(UUID buildId) throws IOException {
        content.dropBelow(TokenGuard.BUILDS, new Tag(buildId.toString()));
    }

    private static RepositoryName repository(String templateId) throws ImageRefusedException {
        return RepositoryName.parse(TokenGuard.BUILDS + "/" + templateId)
                .orElseThrow(() -> new ImageRefusedException("no image can be pushed for template " + templateId));
    }

    /** The parts of one image in one repository. */
    record Parts(ContentStore content, RepositoryName repository, ImageReference image) implements ImageSource {
        @Override
        public byte[] manifest(String version, String accept) throws IOException {
            return content.manifest(repository, version)
                    .orElseThrow(
                            () -> new ImageRefusedException("no image was pushed as " + repository + ":" + version))
                    .content()
                    .bytes();
        }

        @Override
        public byte[] smallBlob(Digest digest) throws IOException {
            try (InputStream in = Channels.newInputStream(opened(digest))) {
                byte[] bytes = in.readNBytes(MAX_DOCUMENT_BYTES + 1);
                if (bytes.length > MAX_DOCUMENT_BYTES) {
                    throw new BadLayerException(
                            "the configuration of " + image + " is larger than " + MAX_DOCUMENT_BYTES + " bytes");
                }
                refuseOther(digest, Digest.of(bytes));
                return bytes;
            }
        }

        @Override
        public void blob(Digest digest, long size, Path into) throws IOException {
            try (FileChannel file = opened(digest);
                    DigestOutputStream out = new DigestOutputStream(Files.newOutputStream(into), Digest.sha256())) {
                if (file.size() != size) {
                    throw new BadLayerException(
                            "layer " + digest + " of " + image + " has " + file.size() + " bytes and not " + size);
                }
                Channels.newInputStream(file).transferTo(out);
                refuseOther(digest, Digest.finished(out.getMessageDigest().digest()));
            }
        }

        private FileChannel opened(Digest digest) throws IOException {
            return content.openBlob(repository, digest)
                    .orElseThrow(() ->
                            new ImageRefusedException("blob " + digest + " of " + image + " is not in the registry"));
        }

        private void refuseOther(Digest expected, Digest found) throws IOException {
            if (!expected.equals(found)) {
                content.setAside(expected);
                throw new DamagedContentException(expected);
            }
        }
    }
}

package dev.sandlot.builds;

import dev.sandlot.images.BadLayerException;
import dev.sandlot.images.ImageImport;
import dev.sandlot.images.ImageName;
import dev.sandlot.images.ImageRefusedException;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.LocalImages.LocalImage;
import dev.sandlot.images.Progress;
import dev.sandlot.linux.DiskFloor;
import dev.sandlot.linux.FullDisk;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageStorage;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/** The images that operators bring in, one archive at a time. Safe for many threads. */
final class NodeImages implements ImageStorage {
    private final LocalImages images;
    private final LayerStore store;
    private final LayerCollector collector;
    private final DiskFloor floor;
    private final Semaphore imports = new Semaphore(1);

    NodeImages(LocalImages images, LayerStore store, LayerCollector collector, DiskFloor floor) {
        this.images = images;
        this.store = store;
        this.collector = collector;
        this.floor = floor;
    }

    @Override
    public List<Image> list() throws ApiException {
        try {
            return images.list().stream().map(NodeImages::view).toList();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static Image view(LocalImage image) {
        return new Image(
                image.name().toString(),
                image.manifest().toString(),
                image.bytes(),
                image.layers().size(),
                image.imported());
    }

    @Override
    public List<Image> add(InputStream archive, Optional<String> name) throws ApiException {
        Optional<ImageName> wanted = name.isPresent() ? Optional.of(named(name.get())) : Optional.empty();
        if (floor.forbids(0)) {
            throw new ApiException(ErrorKind.NO_SPACE, "there is no room on the disk for images: " + floor.text());
        }
        if (!imports.tryAcquire()) {
            throw new ApiException(ErrorKind.CONFLICT, "another archive is being imported; try again when it is done");
        }
        try {
            return taken(archive, wanted);
        } finally {
            imports.release();
        }
    }

    private static ImageName named(String name) throws ApiException {
        ImageName parsed = parsed(name);
        if (parsed.isDigest()) {
            throw new ApiException(ErrorKind.INVALID, "an image is called by a tag, not by a digest: " + name);
        }
        return parsed;
    }

    private static ImageName parsed(String name) throws ApiException {
        try {
            return ImageName.parse(name);
        } catch (IllegalArgumentException e) {
            throw new ApiException(ErrorKind.INVALID, "'" + name + "' is not an image reference", e);
        }
    }

    private List<Image> taken(InputStream archive, Optional<ImageName> name) throws ApiException {
        ReceivedStream received = new ReceivedStream(archive);
        ImageImport reader = new ImageImport(store, Progress.NONE);
        boolean done = false;
        try {
            List<Image> added = read(reader, received, name);
            done = true;
            return added;
        } catch (BadLayerException | ImageRefusedException e) {
            throw new ApiException(ErrorKind.INVALID, "the archive is refused: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(ErrorKind.UNAVAILABLE, "the server is stopping", e);
        } catch (IOException e) {
            throw failed(e, received);
        } finally {
            if (!done) {
                discard(reader);
            }
        }
    }

    private List<Image> read(ImageImport reader, InputStream archive, Optional<ImageName> name)
            throws IOException, InterruptedException {
        try (LayerCollector.Use _ = collector.use()) {
            return images.add(reader, archive, name).stream()
                    .map(NodeImages::view)
                    .toList();
        }
    }

    private static ApiException failed(IOException cause, ReceivedStream received) {
        if (received.isBroken()) {
            return new ApiException(ErrorKind.INVALID, "the archive broke off while it was sent", cause);
        }
        return FullDisk.caused(cause)
                ? new ApiException(
                        ErrorKind.NO_SPACE, "there is no room on the disk for the images of the archive", cause)
                : new ApiException(ErrorKind.INTERNAL, "the archive could not be imported", cause);
    }

    private void discard(ImageImport reader) throws ApiException {
        try {
            collector.discard(reader.fresh());
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "layers of a refused archive could not be removed", e);
        }
    }

    @Override
    public BuildStorage.Archive archive(String name) throws ApiException {
        LocalImage image = found(name);
        return out -> images.export(image, out);
    }

    private LocalImage found(String name) throws ApiException {
        try {
            return images.find(parsed(name)).orElseThrow(() -> missing(name));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static ApiException missing(String name) {
        return new ApiException(ErrorKind.NOT_FOUND, "no image was imported as '" + name + "'");
    }

    @Override
    public void remove(String name) throws ApiException {
        try {
            LocalImage gone = images.remove(parsed(name)).orElseThrow(() -> missing(name));
            collector.discard(new HashSet<>(gone.layers()));
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "the image '" + name + "' could not be deleted", e);
        }
    }

    private static ApiException unreadable(IOException cause) {
        return new ApiException(ErrorKind.INTERNAL, "the imported images cannot be read", cause);
    }
}

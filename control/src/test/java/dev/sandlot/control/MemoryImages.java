package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageStorage;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Images whose archives are kept as they are; one that begins with {@code b} is bad, one with {@code w} must wait. */
record MemoryImages(Map<String, byte[]> images) implements ImageStorage {
    private static Image image(String name, int size) {
        return new Image(name, "sha256:0", size, 1, Instant.EPOCH);
    }

    @Override
    public List<Image> list() {
        return images.entrySet().stream()
                .map(entry -> image(entry.getKey(), entry.getValue().length))
                .toList();
    }

    @Override
    public List<Image> add(InputStream archive, Optional<String> name) throws ApiException {
        try {
            byte[] bytes = archive.readAllBytes();
            if (bytes.length > 2 && bytes[0] == 'b') {
                throw new ApiException(ErrorKind.INVALID, "the archive is refused: it is bad");
            }
            if (bytes.length > 2 && bytes[0] == 'w') {
                throw new ApiException(ErrorKind.CONFLICT, "another archive is being imported");
            }
            if (bytes.length > 2 && bytes[0] == 't') {
                throw new ApiException(ErrorKind.NO_SPACE, "there is no room on the disk");
            }
            images.put(name.orElse("tool:1"), bytes);
            return List.of(image(name.orElse("tool:1"), bytes.length));
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "cut", e);
        }
    }

    @Override
    public BuildStorage.Archive archive(String name) throws ApiException {
        byte[] bytes = images.get(name);
        if (bytes == null) {
            throw missing(name);
        }
        return out -> out.write(bytes);
    }

    @Override
    public void remove(String name) throws ApiException {
        if (images.remove(name) == null) {
            throw missing(name);
        }
    }

    private static ApiException missing(String name) {
        if (name.contains(" ")) {
            return new ApiException(ErrorKind.INVALID, "'" + name + "' is not an image reference");
        }
        return new ApiException(ErrorKind.NOT_FOUND, "no image was imported as '" + name + "'");
    }
}

package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageStorage;
import java.io.IOException;
import java.util.List;

/**
 * What operators do with images that come and go as archives, beyond the contract: builds find them before any
 * registry is asked. The paths are our own.
 */
final class ImageEndpoints {
    private static final String ALL = "/admin/images";
    private static final String ONE = ALL + "/{image}";

    /** The largest archive, as it is sent. */
    private static final long MAX_BYTES = 60L << 30;

    private final BuildService builder;

    ImageEndpoints(BuildService builder) {
        this.builder = builder;
    }

    private record ImageView(String name, String digest, long bytes, int layers, String importedAt) {}

    List<Route> routes() {
        return List.of(
                Route.operator(
                        "GET",
                        ALL,
                        call -> Reply.json(200, view(builder.images().list()))),
                Route.upload(ALL, this::add),
                Route.operator("DELETE", ONE, this::remove),
                Route.operator(
                        "GET",
                        ONE + "/image.tar",
                        call -> Reply.tar(builder.images().archive(call.parameter("image")))));
    }

    private static List<ImageView> view(List<ImageStorage.Image> images) {
        return images.stream()
                .map(image -> new ImageView(
                        image.name(), image.digest(), image.bytes(), image.layers(), Moments.text(image.imported())))
                .toList();
    }

    private Reply add(Call call) throws ApiException, IOException {
        if (call.length() > MAX_BYTES) {
            throw new ApiException(ErrorKind.TOO_LARGE, "the archive is larger than " + MAX_BYTES + " bytes");
        }
        return Reply.json(
                201, view(builder.images().add(call.stream(), call.query().text("name"))));
    }

    private Reply remove(Call call) throws ApiException {
        builder.images().remove(call.parameter("image"));
        return Reply.empty(204);
    }
}

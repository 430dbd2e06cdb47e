package dev.sandlot.app;

import dev.sandlot.builds.BuildEngine;
import dev.sandlot.builds.BuildParts;
import dev.sandlot.builds.BuildSettings;
import dev.sandlot.builds.ImageBasesSettings;
import dev.sandlot.builds.LayerCollector;
import dev.sandlot.builds.OwnImages;
import dev.sandlot.control.ControlPlane;
import dev.sandlot.images.BaseTemplateSettings;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.RegistryAccess;
import dev.sandlot.images.StandIns;
import dev.sandlot.images.TemplateRecord;
import dev.sandlot.node.NodeAgent;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Puts the builder of the server together. */
final class Builder {
    private Builder() {}

    /**
     * Opens the builder.
     *
     * @param own the images of this server
     * @param control completed once the server knows its templates; until then no layer is collected
     */
    static BuildEngine open(
            Layout layout,
            LayerStore layers,
            NodeAgent node,
            Settings settings,
            OwnImages own,
            TemplateRecord base,
            CompletableFuture<ControlPlane> control)
            throws IOException {
        Settings.Images images = settings.images();
        BuildParts parts = BuildParts.of(
                node.workshop(),
                layers,
                new StandIns(layers, base(images)),
                own,
                new ImageBasesSettings(
                        orNull(images.registry()),
                        images.standIns(),
                        images.privateRegistries() ? RegistryAccess.ANY : RegistryAccess.PUBLIC),
                List.<LayerCollector.References>of(() -> Set.copyOf(base.layers()), () -> inUse(control)));
        return BuildEngine.open(
                BuildSettings.defaults(layout.builds())
                        .withWorkers(settings.building().atOnce())
                        .withCacheBytes((long) settings.building().cacheMb() << 20)
                        .withFreeBytes(settings.disk().minFreeBytes()),
                parts);
    }

    private static Set<Digest> inUse(CompletableFuture<ControlPlane> control) throws IOException {
        ControlPlane running = control.getNow(null);
        if (running == null) {
            throw new IOException("the server does not know yet which layers its templates need");
        }
        return running.layersInUse().stream().map(Digest::parse).collect(Collectors.toSet());
    }

    /** How the base template is made. */
    static BaseTemplateSettings base(Settings.Images images) {
        return new BaseTemplateSettings(
                images.debianSuite(),
                orNull(images.debianMirror()),
                orNull(images.baseImage()),
                null,
                BaseTemplateSettings.DEFAULT.buildTimeout());
    }

    private static @Nullable String orNull(String text) {
        return text.isEmpty() ? null : text;
    }
}

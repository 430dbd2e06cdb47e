package dev.sandlot.node;

import dev.sandlot.builds.BuildBase;
import dev.sandlot.builds.BuildEngine;
import dev.sandlot.builds.BuildLog;
import dev.sandlot.builds.BuildParts;
import dev.sandlot.builds.BuildSettings;
import dev.sandlot.builds.ImageBases;
import dev.sandlot.images.ContentStore;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.runtime.AddressPlan;
import dev.sandlot.runtime.RuntimeConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A node with a builder over a directory, whose every image is the small root. */
final class BuildBench implements AutoCloseable {
    final RuntimeConfig config;
    final LayerStore layers;
    final NodeAgent node;
    final BuildEngine engine;

    private BuildBench(RuntimeConfig config, LayerStore layers, NodeAgent node, BuildEngine engine) {
        this.config = config;
        this.layers = layers;
        this.node = node;
        this.engine = engine;
    }

    static RuntimeConfig config(Path data) {
        RuntimeConfig defaults = RuntimeConfig.defaults(data);
        return new RuntimeConfig(
                defaults.dataDirectory(),
                defaults.runDirectory(),
                defaults.ociRuntime(),
                AddressPlan.parse("10.219.64.0/20"),
                0x5000_0000,
                2,
                64,
                2);
    }

    static BuildBench open(Path data) throws IOException, InterruptedException {
        RuntimeConfig config = config(data);
        LayerStore layers = LayerStore.open(data.resolve("pool"), UnpackLimits.DEFAULT);
        Digest root = layers.list().isEmpty()
                ? TestRoot.in(layers)
                : layers.list().getFirst().diffId();
        NodeAgent node = NodeAgent.open(NodeSettings.of("test", "0", 16), config, layers, (_, _) -> {});
        LocalImages images = LocalImages.open(ContentStore.open(layers, RegistryLimits.DEFAULT), layers);
        BuildEngine engine = BuildEngine.open(
                BuildSettings.defaults(data.resolve("builder")),
                new BuildParts(node.workshop(), layers, new RootBases(root), (_, _) -> {}, images, List.of()));
        return new BuildBench(config, layers, node, engine);
    }

    @Override
    public void close() throws IOException {
        engine.close();
        node.close();
        layers.close();
    }

    /** Every image is the small root. */
    private record RootBases(Digest root) implements ImageBases {
        @Override
        public String provisioning() {
            return "none";
        }

        @Override
        public BuildBase make(BuildPlan plan, BuildLog log) {
            return new BuildBase(List.of(root), Map.of("IMAGE", "yes"));
        }
    }
}

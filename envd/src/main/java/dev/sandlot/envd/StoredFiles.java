package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the API answers about files it stored (envd.md 4.5, 4.6). */
final class StoredFiles {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final ArrayNode list = JSON.createArrayNode();
    private final Map<String, String> metadata;

    StoredFiles(Map<String, String> metadata) {
        this.metadata = metadata;
    }

    void add(String path) {
        ObjectNode file = one(path);
        if (!metadata.isEmpty()) {
            ObjectNode map = file.putObject("metadata");
            metadata.forEach(map::put);
        }
        list.add(file);
    }

    byte[] json() {
        return Json.bytes(list);
    }

    /** One file without metadata. */
    static byte[] json(String path) {
        return Json.bytes(one(path));
    }

    private static ObjectNode one(String path) {
        return JSON.createObjectNode()
                .put("name", FileNames.printable(PathRules.baseName(path)))
                .put("path", FileNames.printable(path))
                .put("type", "file");
    }
}

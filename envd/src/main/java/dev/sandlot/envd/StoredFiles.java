package dev.sandlot.envd;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sandlot.linux.FileNames;
import dev.sandlot.protocol.JsonText;
import java.util.Map;

/** What the API answers about files it stored (envd.md 4.5, 4.6). */
final class StoredFiles {
    private final JsonArray list = new JsonArray();
    private final Map<String, String> metadata;

    StoredFiles(Map<String, String> metadata) {
        this.metadata = metadata;
    }

    void add(String path) {
        JsonObject file = one(path);
        if (!metadata.isEmpty()) {
            file.add("metadata", Json.object(metadata));
        }
        list.add(file);
    }

    byte[] json() {
        return JsonText.bytes(list);
    }

    /** One file without metadata. */
    static byte[] json(String path) {
        return JsonText.bytes(one(path));
    }

    private static JsonObject one(String path) {
        JsonObject file = new JsonObject();
        file.addProperty("name", FileNames.printable(PathRules.baseName(path)));
        file.addProperty("path", FileNames.printable(path));
        file.addProperty("type", "file");
        return file;
    }
}

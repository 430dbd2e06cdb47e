package dev.sandlot.images;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which extended attributes belong to a layer: {@code user.*} and file capabilities. Others, above all those of
 * overlayfs itself ({@code trusted.overlay.*}), would let an archive steer the mount.
 */
final class LayerXattrs {
    static final String CAPABILITY = "security.capability";
    static final String OPAQUE = "trusted.overlay.opaque";

    private static final int REVISION_BYTE = 3;
    private static final int V2_BYTES = 20;
    private static final int V3_BYTES = 24;

    private LayerXattrs() {}

    static boolean belongs(String attribute) {
        return attribute.startsWith("user.") || attribute.equals(CAPABILITY);
    }

    /** The attributes to set for an archive's, values as bytes. */
    static Map<String, byte[]> toSet(Map<String, String> fromArchive) throws BadLayerException {
        Map<String, byte[]> result = new TreeMap<>();
        for (Map.Entry<String, String> attribute : fromArchive.entrySet()) {
            if (belongs(attribute.getKey())) {
                byte[] value = EntryPath.bytes(attribute.getValue());
                result.put(attribute.getKey(), attribute.getKey().equals(CAPABILITY) ? capability(value) : value);
            }
        }
        return result;
    }

    /**
     * struct vfs_ns_cap_data: le32 magic_etc (revision in the top byte), four le32 of sets, and in revision 3 the
     * le32 root ID of the user namespace that set it. In a layer capabilities are always those of the container's
     * own root, which is revision 2: under an identity-mapped mount the kernel turns it into the sandbox's.
     */
    static byte[] capability(byte[] value) throws BadLayerException {
        if (value.length == V2_BYTES && value[REVISION_BYTE] == 2) {
            return value;
        }
        if (value.length == V3_BYTES && value[REVISION_BYTE] == 3) {
            byte[] second = Arrays.copyOf(value, V2_BYTES);
            second[REVISION_BYTE] = 2;
            return second;
        }
        throw new BadLayerException("file capabilities of an unknown form");
    }
}

package dev.sandlot.envd;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Xattrs;
import dev.sandlot.protocol.Headers;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** File metadata: {@code X-Metadata-*} fields of a request, {@code user.e2b.*} attributes of a file (envd.md 4.5). */
final class Metadata {
    private static final String FIELD = "x-metadata-";
    private static final String ATTRIBUTE = "user.e2b.";
    private static final int MAX_KEY = 246;
    private static final int MAX_TOTAL = 4096;

    private Metadata() {}

    /** Metadata that may not be stored. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    /** The metadata of a request, keys in lower case, the first value of each. */
    static Map<String, String> of(Headers headers) throws Refused {
        Map<String, String> out = new TreeMap<>();
        headers.forEach((name, value) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (lower.startsWith(FIELD) && lower.length() > FIELD.length()) {
                out.putIfAbsent(lower.substring(FIELD.length()), value);
            }
        });
        check(out);
        return out;
    }

    /** The metadata of what a handle refers to; empty where there can be none. */
    static Map<String, String> read(Fd handle) throws LinuxException {
        return read(() -> Xattrs.list(handle), name -> Xattrs.get(handle, name));
    }

    /** The metadata of an entry of a directory, which is not a link. */
    static Map<String, String> read(Fd directory, String entry) throws LinuxException {
        return read(() -> Xattrs.list(directory, entry), name -> Xattrs.get(directory, entry, name));
    }

    /** Makes these the file's only metadata. */
    static void replace(Fd file, Map<String, String> metadata) throws LinuxException {
        for (String attribute : Xattrs.list(file)) {
            if (attribute.startsWith(ATTRIBUTE) && !metadata.containsKey(key(attribute))) {
                Xattrs.remove(file, attribute);
            }
        }
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
            Xattrs.set(file, ATTRIBUTE + entry.getKey(), entry.getValue().getBytes(StandardCharsets.UTF_8));
        }
    }

    private interface Names {
        List<String> get() throws LinuxException;
    }

    private interface Values {
        byte[] get(String attribute) throws LinuxException;
    }

    private static Map<String, String> read(Names names, Values values) throws LinuxException {
        try {
            Map<String, String> out = new TreeMap<>();
            for (String name : names.get()) {
                if (name.startsWith(ATTRIBUTE) && name.length() > ATTRIBUTE.length() && isText(name)) {
                    text(values.get(name)).ifPresent(value -> out.put(key(name), value));
                }
            }
            return out;
        } catch (LinuxException e) {
            return switch (e.errno()) {
                case EOPNOTSUPP, ENODATA, ENOENT, EACCES, EPERM, ELOOP -> Map.of();
                default -> throw e;
            };
        }
    }

    private static String key(String attribute) {
        return attribute.substring(ATTRIBUTE.length());
    }

    private static boolean isText(String name) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(name);
    }

    private static Optional<String> text(byte[] value) {
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(value))
                    .toString());
        } catch (CharacterCodingException _) {
            return Optional.empty();
        }
    }

    private static void check(Map<String, String> metadata) throws Refused {
        int total = 0;
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
            String key = entry.getKey();
            if (key.length() > MAX_KEY) {
                throw new Refused("metadata key is longer than " + MAX_KEY + " bytes");
            }
            if (!isPrintable(key) || !isPrintable(entry.getValue())) {
                throw new Refused("metadata may hold printable ASCII alone");
            }
            total += ATTRIBUTE.length() + key.length() + entry.getValue().length();
        }
        if (total > MAX_TOTAL) {
            throw new Refused("metadata is larger than " + MAX_TOTAL + " bytes");
        }
    }

    private static boolean isPrintable(String text) {
        return text.chars().allMatch(c -> c >= 0x20 && c <= 0x7E);
    }
}

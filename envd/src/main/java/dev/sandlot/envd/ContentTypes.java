package dev.sandlot.envd;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The media type of a file: by the extension of its name, else by how its content begins (envd.md 4.4). */
final class ContentTypes {
    /** How much of a file is looked at. */
    static final int SNIFFED = 512;

    static final String BINARY = "application/octet-stream";

    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String TABLE = """
            text/plain; charset=utf-8: txt text log conf cfg ini env list def in asc
            text/html; charset=utf-8: html htm shtml
            text/css; charset=utf-8: css
            text/csv; charset=utf-8: csv
            text/javascript; charset=utf-8: js mjs cjs
            text/markdown; charset=utf-8: md markdown
            text/xml; charset=utf-8: xml
            text/tab-separated-values; charset=utf-8: tsv
            text/calendar; charset=utf-8: ics
            text/x-python; charset=utf-8: py
            text/x-c; charset=utf-8: c h cc cpp
            text/x-java; charset=utf-8: java
            application/json: json map
            application/ld+json: jsonld
            application/yaml: yaml yml
            application/toml: toml
            application/pdf: pdf
            application/wasm: wasm
            application/gzip: gz tgz
            application/zip: zip
            application/zstd: zst
            application/x-bzip2: bz2
            application/x-xz: xz
            application/x-tar: tar
            application/x-7z-compressed: 7z
            application/vnd.rar: rar
            application/java-archive: jar
            application/x-sh: sh
            application/sql: sql
            application/rtf: rtf
            application/postscript: ps eps
            application/msword: doc
            application/vnd.ms-excel: xls
            application/vnd.ms-powerpoint: ppt
            application/vnd.openxmlformats-officedocument.wordprocessingml.document: docx
            application/vnd.openxmlformats-officedocument.spreadsheetml.sheet: xlsx
            application/vnd.openxmlformats-officedocument.presentationml.presentation: pptx
            application/vnd.oasis.opendocument.text: odt
            application/vnd.oasis.opendocument.spreadsheet: ods
            application/vnd.sqlite3: sqlite sqlite3
            application/vnd.apache.parquet: parquet
            application/x-ipynb+json: ipynb
            image/png: png
            image/jpeg: jpg jpeg
            image/gif: gif
            image/webp: webp
            image/avif: avif
            image/bmp: bmp
            image/tiff: tif tiff
            image/svg+xml: svg
            image/vnd.microsoft.icon: ico
            image/heic: heic
            audio/mpeg: mp3
            audio/wav: wav
            audio/ogg: ogg oga
            audio/flac: flac
            audio/aac: aac
            audio/mp4: m4a
            audio/midi: mid midi
            video/mp4: mp4
            video/webm: webm
            video/quicktime: mov
            video/x-msvideo: avi
            video/x-matroska: mkv
            video/mpeg: mpg mpeg
            font/woff: woff
            font/woff2: woff2
            font/ttf: ttf
            font/otf: otf
            """;

    private static final Map<String, String> BY_EXTENSION = table();

    /** The first of the tests that fits decides; text and binary come after all of them (WHATWG MIME sniffing). */
    private static final List<Signature> SIGNATURES = List.of(
            new Signature(0, "%PDF-", "application/pdf"),
            new Signature(0, "%!PS-Adobe-", "application/postscript"),
            new Signature(0, "\u00FE\u00FF", "text/plain; charset=utf-16be"),
            new Signature(0, "\u00FF\u00FE", "text/plain; charset=utf-16le"),
            new Signature(0, "\u00EF\u00BB\u00BF", TEXT),
            new Signature(0, "\0\0\1\0", "image/x-icon"),
            new Signature(0, "\0\0\2\0", "image/x-icon"),
            new Signature(0, "BM", "image/bmp"),
            new Signature(0, "GIF87a", "image/gif"),
            new Signature(0, "GIF89a", "image/gif"),
            new Signature(8, "WEBPVP", "image/webp"),
            new Signature(0, "\u0089PNG\r\n\u001A\n", "image/png"),
            new Signature(0, "\u00FF\u00D8\u00FF", "image/jpeg"),
            new Signature(8, "AIFF", "audio/aiff"),
            new Signature(0, "ID3", "audio/mpeg"),
            new Signature(0, "OggS\0", "application/ogg"),
            new Signature(0, "MThd\0\0\0\6", "audio/midi"),
            new Signature(8, "AVI ", "video/avi"),
            new Signature(8, "WAVE", "audio/wave"),
            new Signature(4, "ftypmp4", "video/mp4"),
            new Signature(4, "ftypisom", "video/mp4"),
            new Signature(4, "ftypiso2", "video/mp4"),
            new Signature(0, "\u001AE\u00DF\u00A3", "video/webm"),
            new Signature(0, "\0\1\0\0", "font/ttf"),
            new Signature(0, "OTTO", "font/otf"),
            new Signature(0, "ttcf", "font/collection"),
            new Signature(0, "wOFF", "font/woff"),
            new Signature(0, "wOF2", "font/woff2"),
            new Signature(0, "\u001F\u008B\b", "application/x-gzip"),
            new Signature(0, "PK\3\4", "application/zip"),
            new Signature(0, "Rar!\u001A\7\0", "application/x-rar-compressed"),
            new Signature(0, "Rar!\u001A\7\1\0", "application/x-rar-compressed"),
            new Signature(0, "\0asm", "application/wasm"));

    private static final List<String> HTML = List.of(
            "<!DOCTYPE HTML",
            "<HTML",
            "<HEAD",
            "<SCRIPT",
            "<IFRAME",
            "<H1",
            "<DIV",
            "<FONT",
            "<TABLE",
            "<A",
            "<STYLE",
            "<TITLE",
            "<B",
            "<BODY",
            "<BR",
            "<P",
            "<!--");

    private ContentTypes() {}

    private record Signature(int offset, String bytes, String type) {
        boolean fits(String start) {
            return start.startsWith(bytes, offset);
        }
    }

    /** The type that the name of a file tells. */
    static Optional<String> byName(String path) {
        String name = PathRules.baseName(path);
        int dot = name.lastIndexOf('.');
        return dot < 0
                ? Optional.empty()
                : Optional.ofNullable(BY_EXTENSION.get(name.substring(dot + 1).toLowerCase(Locale.ROOT)));
    }

    /** The type that the beginning of a file tells. */
    static String byContent(byte[] start, int length) {
        String text = new String(start, 0, Math.min(length, SNIFFED), StandardCharsets.ISO_8859_1);
        String trimmed = text.replaceFirst("^[\\t\\n\\f\\r ]+", "");
        if (HTML.stream().anyMatch(tag -> startsWithTag(trimmed, tag))) {
            return "text/html; charset=utf-8";
        }
        if (trimmed.startsWith("<?xml")) {
            return "text/xml; charset=utf-8";
        }
        return SIGNATURES.stream()
                .filter(signature -> signature.fits(text))
                .map(Signature::type)
                .findFirst()
                .orElseGet(() -> text.chars().anyMatch(ContentTypes::isBinary) ? BINARY : TEXT);
    }

    private static boolean startsWithTag(String text, String tag) {
        if (!text.regionMatches(true, 0, tag, 0, tag.length())) {
            return false;
        }
        boolean ended = text.length() > tag.length() && " >".indexOf(text.charAt(tag.length())) >= 0;
        return ended || tag.equals("<!--");
    }

    private static boolean isBinary(int c) {
        return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1A) || (c >= 0x1C && c <= 0x1F);
    }

    private static Map<String, String> table() {
        Map<String, String> out = new HashMap<>();
        TABLE.lines().forEach(line -> {
            int colon = line.lastIndexOf(": ");
            for (String extension : line.substring(colon + 2).split(" ")) {
                out.put(extension, line.substring(0, colon));
            }
        });
        return Map.copyOf(out);
    }
}

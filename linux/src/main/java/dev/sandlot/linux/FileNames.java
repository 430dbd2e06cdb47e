package dev.sandlot.linux;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/**
 * File names between the kernel's bytes and Java's strings, without loss.
 *
 * <p>A name is read as UTF-8; every byte that is not part of valid UTF-8 becomes one lone surrogate U+DC80 to
 * U+DCFF, which no valid name contains, and becomes that byte again on the way back. {@link #printable} is for
 * text that leaves the program.
 */
public final class FileNames {
    private static final char ESCAPE = 0xDC00;

    private FileNames() {}

    /** The string of a name. */
    public static String decode(byte[] name) {
        String simple = new String(name, StandardCharsets.UTF_8);
        return simple.indexOf('\uFFFD') < 0 ? simple : decodeEscaping(name);
    }

    /** The bytes of a name, without a terminator. */
    public static byte[] encode(String name) {
        return isEscaped(name) ? encodeEscaped(name) : name.getBytes(StandardCharsets.UTF_8);
    }

    /** The name as valid text: what is not UTF-8 is shown as U+FFFD. */
    public static String printable(String name) {
        if (!isEscaped(name)) {
            return name;
        }
        return new String(encode(name), StandardCharsets.UTF_8);
    }

    private static boolean isEscaped(String name) {
        return name.chars().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF);
    }

    private static String decodeEscaping(byte[] name) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(name);
        CharBuffer out = CharBuffer.allocate(name.length + 1);
        while (true) {
            CoderResult result = decoder.decode(in, out, true);
            if (result.isUnderflow()) {
                return out.flip().toString();
            }
            for (int i = result.length(); i > 0; i--) {
                out.put((char) (ESCAPE + (in.get() & 0xFF)));
            }
            decoder.reset();
        }
    }

    private static byte[] encodeEscaped(String name) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(name.length() + 8);
        int i = 0;
        while (i < name.length()) {
            int point = name.codePointAt(i);
            i += Character.charCount(point);
            if (point > ESCAPE + 0x7F && point <= ESCAPE + 0xFF) {
                out.write(point - ESCAPE);
            } else {
                out.writeBytes(bytesOf(point));
            }
        }
        return out.toByteArray();
    }

    private static byte[] bytesOf(int point) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(Character.toChars(point)));
            byte[] out = new byte[bytes.remaining()];
            bytes.get(out);
            return out;
        } catch (CharacterCodingException _) {
            return new byte[] {'?'};
        }
    }
}

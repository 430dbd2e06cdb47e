package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Percent escapes of paths and forms. */
final class Escapes {
    private Escapes() {}

    /** Undoes the escapes of one path segment; a plus stays a plus. */
    static String path(String text) throws ApiException {
        return text.indexOf('%') < 0 ? text : decode(text);
    }

    /** Undoes the escapes of a form's name or value; a plus is a blank. */
    static String form(String text) throws ApiException {
        return path(text.replace('+', ' '));
    }

    private static String decode(String text) throws ApiException {
        byte[] in = text.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream(in.length);
        for (int i = 0; i < in.length; i++) {
            if (in[i] == '%') {
                out.write(octet(text, in, i + 1));
                i += 2;
            } else {
                out.write(in[i]);
            }
        }
        String decoded = utf8(text, out.toByteArray());
        if (!Texts.isKeepable(decoded)) {
            throw malformed(text);
        }
        return decoded;
    }

    private static int octet(String text, byte[] in, int at) throws ApiException {
        if (at + 1 >= in.length || !HexFormat.isHexDigit(in[at]) || !HexFormat.isHexDigit(in[at + 1])) {
            throw malformed(text);
        }
        return HexFormat.fromHexDigit(in[at]) << 4 | HexFormat.fromHexDigit(in[at + 1]);
    }

    private static String utf8(String text, byte[] bytes) throws ApiException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw malformed(text);
        }
    }

    private static ApiException malformed(String text) {
        return new ApiException(ErrorKind.INVALID, "validation error: malformed escape in '" + text + "'");
    }
}

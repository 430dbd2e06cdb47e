package dev.sandlot.control;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A JSON web token in its parts, nothing of which is to be trusted before its signature was checked.
 *
 * @param signed the bytes that are signed
 */
@SuppressWarnings("ArrayRecordComponent")
record SignedToken(JsonNode header, JsonNode claims, byte[] signed, byte[] signature) {
    private static final int LONGEST = 16 << 10;

    static Optional<SignedToken> parse(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 3 || text.length() > LONGEST) {
            return Optional.empty();
        }
        try {
            JsonNode header = Json.MAPPER.readTree(decode(parts[0]));
            JsonNode claims = Json.MAPPER.readTree(decode(parts[1]));
            byte[] signed = (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
            return header.isObject() && claims.isObject()
                    ? Optional.of(new SignedToken(header, claims, signed, decode(parts[2])))
                    : Optional.empty();
        } catch (IllegalArgumentException | JacksonException e) {
            return Optional.empty();
        }
    }

    private static byte[] decode(String part) {
        return Base64.getUrlDecoder().decode(part);
    }

    String issuer() {
        return claims.path("iss").asString("");
    }
}

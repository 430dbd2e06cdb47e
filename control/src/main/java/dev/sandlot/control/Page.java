package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A page of a list whose newest item is first (public-api.md 4).
 *
 * @param nextToken what asks for the page after this one; empty on the last
 */
record Page<T>(List<T> items, String nextToken) {
    private static final int MOST = 100;
    private static final String SEPARATOR = "__";

    private record Place(Instant time, String id) {
        String text() {
            byte[] plain = (Moments.text(time) + SEPARATOR + id).getBytes(StandardCharsets.UTF_8);
            return Base64.getUrlEncoder().encodeToString(plain);
        }

        static Place parse(String text) throws ApiException {
            try {
                String plain = new String(Base64.getUrlDecoder().decode(text), StandardCharsets.UTF_8);
                String[] parts = plain.split(SEPARATOR, -1);
                if (parts.length == 2) {
                    return new Place(Instant.parse(parts[0]), parts[1]);
                }
            } catch (IllegalArgumentException | DateTimeException e) {
                throw new ApiException(ErrorKind.INVALID, "Invalid next token", e);
            }
            throw new ApiException(ErrorKind.INVALID, "Invalid next token");
        }

        boolean isBefore(Instant itemTime, String itemId) {
            int byTime = itemTime.compareTo(time);
            return byTime < 0 || (byTime == 0 && itemId.compareTo(id) < 0);
        }
    }

    /** The page that the query asks for. */
    static <T> Page<T> of(Query query, List<T> newestFirst, Function<T, Instant> time, Function<T, String> id)
            throws ApiException {
        int limit = query.number("limit", MOST, 1, MOST);
        Optional<String> token = query.text("nextToken").filter(text -> !text.isEmpty());
        Place after = token.isPresent() ? Place.parse(token.get()) : new Place(Instant.MAX, "");
        List<T> rest = newestFirst.stream()
                .filter(item -> after.isBefore(time.apply(item), id.apply(item)))
                .limit(limit + 1L)
                .toList();
        if (rest.size() <= limit) {
            return new Page<>(rest, "");
        }
        T last = rest.get(limit - 1);
        return new Page<>(rest.subList(0, limit), new Place(time.apply(last), id.apply(last)).text());
    }

    /** The answer with the field that tells of the next page, if there is one. */
    Reply headed(Reply reply) {
        return nextToken.isEmpty() ? reply : reply.with("X-Next-Token", nextToken);
    }
}

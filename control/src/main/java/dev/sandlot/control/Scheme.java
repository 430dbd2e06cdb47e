package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Headers;

/** One way of telling who asks (public-api.md 2.1). */
interface Scheme {
    String BEARER_HEADER = "Authorization";
    String BEARER = "Bearer ";

    /** Whether the request carries the credential this scheme is about. */
    boolean isOffered(Headers headers);

    /**
     * Tells who asks.
     *
     * @throws ApiException as public-api.md 2.5 says, when the credential does not hold
     */
    Caller check(Headers headers) throws ApiException;

    static ApiException refused(String message) {
        return new ApiException(ErrorKind.UNAUTHENTICATED, message);
    }

    /** What follows {@code Bearer}. */
    static String bearer(Headers headers) throws ApiException {
        return headers.first(BEARER_HEADER)
                .filter(value -> value.regionMatches(true, 0, BEARER, 0, BEARER.length()))
                .map(value -> value.substring(BEARER.length()).strip())
                .orElseThrow(() -> refused("authorization header is malformed"));
    }
}

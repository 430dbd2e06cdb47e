package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.List;

/** The operations that the contract once had (public-api.md 5.5): 410, whoever asks, where older clients are not served. */
final class GoneOperations {
    private GoneOperations() {}

    static List<Route> routes() {
        return List.of(
                gone("POST", "/v2/templates", "use POST /v3/templates"),
                gone("POST", "/templates", "use POST /v3/templates"),
                gone("POST", "/templates/{templateID}", "use POST /v3/templates"),
                gone(
                        "POST",
                        "/templates/{templateID}/builds/{buildID}",
                        "use POST /v2/templates/{templateID}/builds/{buildID}"),
                gone("POST", "/access-tokens", "use an API key"),
                gone("DELETE", "/access-tokens/{accessTokenID}", "use an API key"));
    }

    private static Route gone(String method, String template, String hint) {
        return new Route(method, template, Access.OPEN, true, call -> {
            throw new ApiException(ErrorKind.GONE, method + " " + template + " has been removed: " + hint);
        });
    }
}

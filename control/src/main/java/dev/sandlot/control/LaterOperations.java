package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** The operations of the contract that are known but not done yet (public-api.md 5): 501, once the caller is known. */
final class LaterOperations {
    private static final String HARMLESS = """
            GET /sandboxes/{sandboxID}/metrics
            GET /sandboxes/metrics
            GET /sandboxes/{sandboxID}/logs
            GET /v2/sandboxes/{sandboxID}/logs
            GET /snapshots
            GET /templates/{templateID}/files/{hash}
            GET /templates/{templateID}/builds/{buildID}/status
            GET /templates/{templateID}/builds/{buildID}/logs
            GET /templates/aliases/{alias}
            DELETE /templates/tags
            GET /templates/{templateID}/tags
            GET /templates
            GET /v2/templates
            GET /templates/{templateID}
            DELETE /templates/{templateID}
            GET /teams/{teamID}/metrics
            GET /teams/{teamID}/metrics/max
            GET /volumes
            GET /volumes/{volumeID}
            DELETE /volumes/{volumeID}
            GET /secrets
            GET /secrets/{secretID}
            GET /events/sandboxes
            GET /events/sandboxes/{sandboxID}
            GET /events/webhooks
            GET /events/webhooks/{webhookID}
            GET /events/webhooks/{webhookID}/deliveries
            GET /events/webhooks/{webhookID}/stats
            """;
    private static final String CHANGES = """
            POST /sandboxes/{sandboxID}/pause
            POST /sandboxes/{sandboxID}/resume
            POST /sandboxes/{sandboxID}/fork
            POST /sandboxes/{sandboxID}/snapshots
            PUT /sandboxes/{sandboxID}/network
            POST /v3/templates
            POST /v2/templates/{templateID}/builds/{buildID}
            POST /templates/tags
            PATCH /v2/templates/{templateID}
            PATCH /templates/{templateID}
            POST /volumes
            POST /secrets
            POST /secrets/{secretID}
            DELETE /secrets/{secretID}
            POST /events/webhooks
            PATCH /events/webhooks/{webhookID}
            DELETE /events/webhooks/{webhookID}
            """;
    private static final String KEYS = """
            GET /api-keys
            PATCH /api-keys/{apiKeyID}
            DELETE /api-keys/{apiKeyID}
            """;
    private static final String PEOPLE = """
            GET /teams
            POST /api-keys
            """;
    private static final String OPERATORS = """
            GET /nodes
            GET /nodes/{nodeID}
            POST /nodes/{nodeID}
            POST /admin/teams/{teamID}/sandboxes/kill
            GET /admin/sandboxes/running-counts
            GET /admin/sandboxes/{sandboxID}
            POST /admin/teams/{teamID}/builds/cancel
            POST /admin/teams/{teamID}/api-keys
            DELETE /admin/teams/{teamID}/api-keys/{apiKeyID}
            GET /clusters/{clusterID}/rigs
            PUT /clusters/{clusterID}/rigs/{rigID}/capacity
            GET /clusters/{clusterID}/rigs/{rigID}/instances
            DELETE /clusters/{clusterID}/rigs/instances/{instanceID}
            GET /clusters/{clusterID}/rigs/{rigID}/errors
            """;

    private LaterOperations() {}

    static List<Route> routes() {
        return Stream.of(
                        table(HARMLESS, Access.TEAM, true),
                        table(CHANGES, Access.TEAM, false),
                        table(KEYS, Access.KEYS, true),
                        table(PEOPLE, Access.USER, false),
                        table(OPERATORS, Access.OPERATOR, false))
                .flatMap(routes -> routes)
                .toList();
    }

    private static Stream<Route> table(String lines, Access access, boolean blockedMay) {
        return Arrays.stream(lines.split("\n")).map(line -> later(line.split(" "), access, blockedMay));
    }

    private static Route later(String[] line, Access access, boolean blockedMay) {
        return new Route(line[0], line[1], access, blockedMay, call -> {
            throw new ApiException(
                    ErrorKind.UNIMPLEMENTED, line[0] + " " + line[1] + " is not supported yet by this server");
        });
    }
}

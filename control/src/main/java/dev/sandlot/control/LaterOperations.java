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
            POST /volumes
            POST /secrets
            POST /secrets/{secretID}
            DELETE /secrets/{secretID}
            POST /events/webhooks
            PATCH /events/webhooks/{webhookID}
            DELETE /events/webhooks/{webhookID}
            """;
    private static final String OPERATORS = """
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
                        table(OPERATORS, Access.OPERATOR, true))
                .flatMap(routes -> routes)
                .toList();
    }

    private static Stream<Route> table(String lines, Access access, boolean blockedMay) {
        return Arrays.stream(lines.split("\n")).map(line -> later(line.split(" "), access, blockedMay));
    }

    private static Route later(String[] line, Access access, boolean blockedMay) {
        return new Route(line[0], line[1], access, blockedMay, new Later(line[0] + " " + line[1]));
    }

    /** Answers that the operation is not there yet; what the request says does not matter then. */
    record Later(String name) implements Route.Operation {
        @Override
        public Reply answer(Call call) throws ApiException {
            throw new ApiException(ErrorKind.UNIMPLEMENTED, name + " is not supported yet by this server");
        }
    }
}

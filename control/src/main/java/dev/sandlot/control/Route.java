package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import java.io.IOException;

/**
 * One operation of the API.
 *
 * @param method the HTTP method
 * @param template the path: literal segments and {@code {parameters}}
 * @param access who may call it
 * @param blockedMay whether a blocked team may still call it (public-api.md 2.4)
 * @param operation what answers
 */
record Route(String method, String template, Access access, boolean blockedMay, Operation operation) {
    /** Answers a call. */
    @FunctionalInterface
    interface Operation {
        Reply answer(Call call) throws ApiException, IOException;
    }

    /** A read or a cleanup: open to blocked teams too. */
    static Route harmless(String method, String template, Operation operation) {
        return new Route(method, template, Access.TEAM, true, operation);
    }

    /** Something that operators do. */
    static Route operator(String method, String template, Operation operation) {
        return new Route(method, template, Access.OPERATOR, true, operation);
    }

    /** Something large that an operator sends: neither the limit of bodies nor that of time holds. */
    static Route upload(String template, Operation operation) {
        return new Route("POST", template, Access.OPERATOR, true, new Upload(operation));
    }

    boolean isUpload() {
        return operation instanceof Upload;
    }

    private record Upload(Operation work) implements Operation {
        @Override
        public Reply answer(Call call) throws ApiException, IOException {
            return work.answer(call);
        }
    }

    /** A change that a team makes. */
    static Route change(String method, String template, Operation operation) {
        return new Route(method, template, Access.TEAM, false, operation);
    }
}

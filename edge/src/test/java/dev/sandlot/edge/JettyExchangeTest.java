package dev.sandlot.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.Test;

class JettyExchangeTest {
    /** Reads nothing, and fails when it is asked for more. */
    private static Object request(String method) {
        return switch (method) {
            case "getHeaders" -> HttpFields.EMPTY;
            case "getMethod" -> "POST";
            case "getHttpURI" -> HttpURI.from("http://localhost/");
            case "demand" -> throw new IllegalArgumentException("on purpose");
            default -> null;
        };
    }

    private static Object response(String method, Object[] arguments) {
        if (method.equals("write")) {
            ((Callback) arguments[2]).succeeded();
        }
        return method.equals("getHeaders") ? HttpFields.build() : null;
    }

    private static <T> T jettys(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Test
    void anExchangeThatCannotBeEndedIsCut() throws Exception {
        LinkedBlockingQueue<String> ends = new LinkedBlockingQueue<>();
        JettyExchange exchange = new JettyExchange(
                jettys(Request.class, (_, method, _) -> request(method.getName())),
                jettys(Response.class, (_, method, arguments) -> response(method.getName(), arguments)),
                Callback.from(() -> ends.add("succeeded"), failure -> ends.add("failed")),
                Duration.ofSeconds(30));
        try (OutputStream out = exchange.start(200, 2)) {
            out.write('o');
            out.write('k');
        }
        exchange.finish();
        assertThat(ends).containsExactly("failed");
    }
}

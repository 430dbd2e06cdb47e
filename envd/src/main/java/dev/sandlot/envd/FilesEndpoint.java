package dev.sandlot.envd;

import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.io.OutputStream;
import java.time.InstantSource;
import java.util.function.Supplier;

/**
 * {@code GET /files}, {@code POST /files} and {@code POST /files/compose} of one sandbox (envd.md 4.4 to 4.6).
 *
 * <p>The first two decide themselves who may use them; for the third the caller has checked the access token. Safe
 * for several threads; a request needs the same small memory whatever the size of the file.
 */
public final class FilesEndpoint {
    private static final int MAX_DRAINED = 16 * 1024 * 1024;

    private final SandboxFiles files;
    private final RestCallers callers;
    private final Supplier<String> accessToken;
    private final FileSignatures signatures;
    private final Supplier<BodyBudget.Lease> memory;

    /**
     * @param defaultUser the acting user of a request that names none; empty when there is none
     * @param defaultDirectory what an empty path means; empty for the home of the acting user
     * @param accessToken the sandbox's token; empty when everything is open
     * @param clock tells when a signature expires
     * @param memory for bodies that are read whole
     */
    public FilesEndpoint(
            SandboxFiles files,
            Accounts accounts,
            Supplier<String> defaultUser,
            Supplier<String> defaultDirectory,
            Supplier<String> accessToken,
            InstantSource clock,
            Supplier<BodyBudget.Lease> memory) {
        this.files = files;
        this.callers = new RestCallers(accounts, defaultUser, defaultDirectory);
        this.accessToken = accessToken;
        this.signatures = new FileSignatures(clock);
        this.memory = memory;
    }

    /** Answers {@code GET /files}. */
    public void download(Exchange exchange) throws IOException {
        answer(exchange, () -> {
            Query query = Query.parse(exchange.rawQuery());
            signatures.check(accessToken.get(), FileSignatures.Operation.READ, exchange.requestHeaders(), query);
            Account user = callers.account(query.value("username"));
            new Download(exchange, files, callers.resolve(query.text("path"), user)).send();
        });
    }

    /** Answers {@code POST /files}. */
    public void upload(Exchange exchange) throws IOException {
        answer(exchange, () -> {
            Query query = Query.parse(exchange.rawQuery());
            signatures.check(accessToken.get(), FileSignatures.Operation.WRITE, exchange.requestHeaders(), query);
            sendJson(exchange, new Upload(exchange, query, callers, files).store());
        });
    }

    /** Answers {@code POST /files/compose}. */
    public void compose(Exchange exchange) throws IOException {
        answer(exchange, () -> {
            try (BodyBudget.Lease lease = memory.get()) {
                sendJson(exchange, new Composition(callers, files, lease).compose(exchange));
            }
        });
    }

    private interface Answer {
        void send() throws RestException, Query.Malformed, IOException;
    }

    private static void answer(Exchange exchange, Answer answer) throws IOException {
        try {
            answer.send();
        } catch (Query.Malformed e) {
            RestErrors.sendText(exchange, 400, e.line());
        } catch (RestException e) {
            drain(exchange);
            RestErrors.send(exchange, e.status(), e.text());
        } catch (LinuxException e) {
            if (exchange.started()) {
                throw e;
            }
            RestErrors.send(exchange, 500, String.valueOf(e.getMessage()));
        }
    }

    /** Takes what a client still sends, for those that read the answer only when they have sent everything. */
    private static void drain(Exchange exchange) throws IOException {
        if (exchange.requestLength() > 0 && exchange.requestLength() <= MAX_DRAINED) {
            exchange.requestBody().transferTo(OutputStream.nullOutputStream());
        }
    }

    private static void sendJson(Exchange exchange, byte[] json) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json");
        exchange.send(200, json);
    }
}

package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildService;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Files for COPY steps (public-api.md 13.3, template-build.md 6). */
class FileUploadsTest {
    private static final String HASH = "0123456789abcdef".repeat(4);

    @TempDir
    Path directory;

    private TestServer server;
    private String template;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
        template = server.call("POST", "/v3/templates", "{\"name\":\"mine\"}")
                .expect(202)
                .json()
                .get("templateID")
                .stringValue();
    }

    @AfterEach
    void close() {
        server.close();
    }

    private JsonNode ask(String hash) {
        return server.call("GET", "/templates/" + template + "/files/" + hash)
                .expect(201)
                .json();
    }

    private static String target(JsonNode asked) {
        URI url = URI.create(asked.get("url").stringValue());
        return url.getRawPath() + "?" + url.getRawQuery();
    }

    private TestServer.Answer put(String target, byte[] content) {
        return server.send(new MemoryExchange("PUT", target).body(content));
    }

    @Test
    void filesAreSentByTheLinkAndAreThereForTheWholeTeam() {
        JsonNode first = ask(HASH);
        assertThat(first.get("present").booleanValue()).isFalse();
        assertThat(first.get("url").stringValue()).startsWith("http://localhost:3000/upload/");
        put(target(first), new byte[] {1, 2, 3}).expect(200);
        assertThat(server.builder.files.get(server.team().id() + "/" + HASH)).containsExactly(1, 2, 3);
        JsonNode again = ask(HASH);
        assertThat(again.get("present").booleanValue()).isTrue();
        put(target(again), new byte[] {4}).expect(200);
        String other = server.otherTeam("other");
        String theirs = server.callAs(other, "POST", "/v3/templates", "{\"name\":\"mine\"}")
                .expect(202)
                .json()
                .get("templateID")
                .stringValue();
        assertThat(server.callAs(other, "GET", "/templates/" + theirs + "/files/" + HASH)
                        .expect(201)
                        .json()
                        .get("present")
                        .booleanValue())
                .isFalse();
    }

    @Test
    void theLinkLeadsWhereTheClientReachedUs() {
        MemoryExchange proxied = new MemoryExchange("GET", "/templates/" + template + "/files/" + HASH)
                .header("X-API-Key", server.key)
                .header("X-Forwarded-Proto", "https")
                .header("X-Forwarded-Host", "api.example.test");
        assertThat(server.send(proxied).expect(201).json().get("url").stringValue())
                .startsWith("https://api.example.test/upload/");
        MemoryExchange odd = new MemoryExchange("GET", "/templates/" + template + "/files/" + HASH)
                .header("X-API-Key", server.key)
                .header("X-Forwarded-Host", "a/b?c");
        server.send(odd).expect(400);
    }

    @Test
    void aLinkIsForOneTeamOneHashAndAWhile() {
        String target = target(ask(HASH));
        String otherHash = "f".repeat(64);
        put(target.replace(HASH, otherHash), new byte[] {1}).expect(403);
        put(target.replace(server.team().id().toString(), UUID.randomUUID().toString()), new byte[] {1})
                .expect(403);
        put(target.replaceAll("expires=\\d+", "expires=99999999999"), new byte[] {1})
                .expect(403);
        put(target.replaceAll("signature=..", "signature=zz"), new byte[] {1}).expect(403);
        put(target.replaceAll("&signature=.*", ""), new byte[] {1}).expect(400);
        put(target.replaceAll("expires=\\d+", "expires=x"), new byte[] {1}).expect(400);
        put("/upload/../../etc/passwd?expires=1&signature=1", new byte[] {1}).expect(403);
        server.clock.forward(Duration.ofMinutes(29));
        put(target, new byte[] {1}).expect(200);
        server.clock.forward(Duration.ofMinutes(2));
        put(target, new byte[] {1}).expect(403);
        assertThat(server.builder.files).hasSize(1);
    }

    @Test
    void onlyPutWithAKnownLengthIsTaken() {
        String target = target(ask(HASH));
        for (String method : new String[] {"GET", "POST", "DELETE"}) {
            assertThat(server.send(new MemoryExchange(method, target))
                            .expect(405)
                            .headers()
                            .first("Allow"))
                    .contains("PUT");
        }
        server.send(new MemoryExchange("PUT", target).body(InputStream.nullInputStream(), -1))
                .expect(411);
        put(target, new byte[0]).expect(400);
        server.send(new MemoryExchange("PUT", target)
                        .body(InputStream.nullInputStream(), BuildService.MAX_FILES_BYTES + 1))
                .expect(413);
        server.send(new MemoryExchange("PUT", target).body(InputStream.nullInputStream(), 5))
                .expect(400);
        assertThat(server.builder.files).isEmpty();
    }

    /** The limit of bodies is for the API alone. */
    @Test
    void filesMayBeLargerThanABodyOfTheApi() {
        byte[] large = new byte[Call.BODY_LIMIT + 1];
        put(target(ask(HASH)), large).expect(200);
        assertThat(server.builder.files.values().iterator().next()).hasSize(large.length);
    }

    @Test
    void templatesAndHashesThatAreNotThereAreTold() {
        String path = "/templates/" + template + "/files/";
        assertThat(server.call("GET", path + "abc").expect(400).message()).isEqualTo("Invalid files hash");
        server.call("GET", path + HASH.toUpperCase(java.util.Locale.ROOT)).expect(400);
        server.call("GET", "/templates/mine/files/" + HASH).expect(404);
        server.call("GET", "/templates/" + server.templateId + "/files/" + HASH).expect(404);
        server.callAs(server.otherTeam("other"), "GET", path + HASH).expect(404);
    }
}

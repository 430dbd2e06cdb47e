package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Open;
import dev.sandlot.linux.Xattrs;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.MemoryExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The acceptance rows R1 to R20 of envd.md 12.1, and what sections 4.4 to 4.6 say beyond them. */
class FilesEndpointTest {
    private FilesFixture sandbox;

    @BeforeEach
    void open(@TempDir Path root) throws IOException {
        sandbox = new FilesFixture(root);
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @ParameterizedTest
    @CsvSource({"/tmp/test.txt,test.txt", "/tmp/archive.tar.gz,archive.tar.gz", "/tmp/.env,.env", "/tmp/a/b/c.txt,c.txt"
    })
    void R1_downloads_carry_the_base_name_unquoted(String path, String name) throws IOException {
        write(path, "content");
        Answer answer = sandbox.download(FilesFixture.get(path));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.field("Content-Disposition")).isEqualTo("inline; filename=" + name);
        assertThat(answer.text()).isEqualTo("content");
        assertThat(answer.complete()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\1',
            value = {
                "my file.txt|inline; filename=\"my file.txt\"",
                "file\"q.txt|inline; filename=\"file\\\"q.txt\"",
                "file\\b.txt|inline; filename=\"file\\\\b.txt\"",
                "中文.txt|inline; filename*=utf-8''%E4%B8%AD%E6%96%87.txt"
            })
    void R2_special_names_are_quoted_or_encoded(String name, String disposition) throws IOException {
        write("/tmp/" + name, "content");
        Answer answer = sandbox.download(FilesFixture.get("/tmp/" + name));
        assertThat(answer.field("Content-Disposition")).isEqualTo(disposition);
    }

    @Test
    void R3_text_is_compressed_for_who_accepts_gzip() throws IOException {
        write("/tmp/a.txt", "hello".repeat(10000));
        Answer answer = sandbox.download(FilesFixture.get("/tmp/a.txt").header("Accept-Encoding", "gzip"));
        assertThat(answer.field("Content-Encoding")).isEqualTo("gzip");
        assertThat(answer.field("Content-Type")).isEqualTo("text/plain; charset=utf-8");
        assertThat(answer.field("Vary")).isEqualTo("Accept-Encoding");
        assertThat(answer.field("Last-Modified")).isNull();
        assertThat(FilesFixture.gunzip(answer.bytes())).asString().isEqualTo("hello".repeat(10000));
    }

    @Test
    void R4_a_range_with_identity_refused_is_406() throws IOException {
        write("/tmp/a.txt", "hello");
        Answer answer = sandbox.download(FilesFixture.get("/tmp/a.txt")
                .header("Accept-Encoding", "gzip;q=1, *;q=0")
                .header("Range", "bytes=0-1"));
        assertError(answer, 406);
    }

    @Test
    void R5_gzipped_uploads_are_stored_decompressed() throws IOException {
        byte[] form = form("x", "a/b.txt", "from a form");
        Answer multipart = sandbox.upload(FilesFixture.post("/files", FilesFixture.gzip(form))
                .header("Content-Type", "multipart/form-data; boundary=x")
                .header("Content-Encoding", "gzip"));
        Answer raw =
                sandbox.upload(FilesFixture.put("/tmp/raw", FilesFixture.gzip("raw".getBytes(StandardCharsets.UTF_8)))
                        .header("Content-Encoding", "gzip"));
        assertThat(multipart.status()).isEqualTo(200);
        assertThat(multipart.text())
                .isEqualTo("[{\"name\":\"b.txt\",\"path\":\"/home/user/a/b.txt\",\"type\":\"file\"}]");
        assertThat(sandbox.at("/home/user/a/b.txt")).hasContent("from a form");
        assertThat(raw.status()).isEqualTo(200);
        assertThat(sandbox.at("/tmp/raw")).hasContent("raw");
    }

    @Test
    void R6_raw_uploads_are_stored_exactly() throws IOException {
        byte[] large = new byte[3_000_001];
        new Random(7).nextBytes(large);
        assertThat(sandbox.upload(FilesFixture.put("/tmp/plain", "one")).status())
                .isEqualTo(200);
        assertThat(sandbox.upload(FilesFixture.put("/tmp/n/e/w/file", large)).status())
                .isEqualTo(200);
        assertThat(sandbox.upload(FilesFixture.put("/tmp/plain", "2")).status()).isEqualTo(200);
        assertThat(sandbox.at("/tmp/plain")).hasContent("2");
        assertThat(sandbox.at("/tmp/n/e/w/file")).hasBinaryContent(large);
        assertThat(permissions("/tmp/n/e/w")).isEqualTo("rwxr-xr-x");
        assertThat(permissions("/tmp/plain")).isEqualTo("rw-r--r--");
    }

    @Test
    void R7_raw_uploads_need_a_path_and_other_types_are_refused() {
        assertError(
                sandbox.upload(
                        FilesFixture.post("/files", new byte[1]).header("Content-Type", "application/octet-stream")),
                400);
        assertError(
                sandbox.upload(FilesFixture.post("/files?path=/tmp/x", new byte[1])
                        .header("Content-Type", "application/json")),
                400);
        assertError(sandbox.upload(FilesFixture.post("/files?path=/tmp/x", new byte[1])), 400);
    }

    @Test
    void R8_gzip_goes_up_and_comes_down() throws IOException {
        byte[] content = new byte[500_000];
        new Random(1).nextBytes(content);
        sandbox.upload(
                FilesFixture.put("/tmp/f.bin", FilesFixture.gzip(content)).header("Content-Encoding", "gzip"));
        Answer down = sandbox.download(FilesFixture.get("/tmp/f.bin").header("accept-encoding", "GZIP"));
        assertThat(FilesFixture.gunzip(down.bytes())).isEqualTo(content);
        assertThat(down.field("Content-Type")).isEqualTo("application/octet-stream");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "none|IDENTITY",
                "gzip|GZIP",
                "GZIP|GZIP",
                "identity|IDENTITY",
                "gzip, deflate|GZIP",
                "gzip, deflate, br|GZIP",
                "br|IDENTITY",
                "gzip;q=0|IDENTITY",
                "gzip;q=bad|GZIP",
                "gzip;q=0.5, identity;q=0.8|IDENTITY",
                "gzip;q=0.8, identity;q=0.5|GZIP",
                "*|IDENTITY",
                "*, identity;q=0|GZIP",
                "identity;q=0, *|GZIP",
                "gzip;q=1, *;q=0|GZIP",
                "*;q=0, identity;q=0.1|IDENTITY",
                "br, identity;q=0|",
                "*;q=0|",
                "gzip;q=0, identity;q=0|"
            })
    void R9_the_coding_is_chosen_by_the_table(String field, String coding) {
        var choice = ContentEncodings.accepted(field == null ? List.of() : List.of(field))
                .choice();
        assertThat(choice.map(Enum::name).orElse(null)).isEqualTo(coding);
    }

    @Test
    void R10_a_parent_that_is_no_directory_is_500() throws IOException {
        write("/tmp/file", "x");
        Answer answer = sandbox.upload(FilesFixture.put("/tmp/file/below/f", "x"));
        assertError(answer, 500);
        assertThat(answer.text()).contains("\"message\":\"error ensuring directories: ");
    }

    @Test
    void R11_a_directory_as_target_is_400() throws IOException {
        Files.createDirectories(sandbox.at("/tmp/dir"));
        Answer answer = sandbox.upload(FilesFixture.put("/tmp/dir", "x"));
        assertError(answer, 400);
        assertThat(answer.text()).contains("\"message\":\"path is a directory: /tmp/dir");
    }

    @Test
    void R16_metadata_is_set_replaced_and_cleared() throws IOException {
        Answer set = sandbox.upload(FilesFixture.put("/tmp/m", "x")
                .header("X-Metadata-Author", "me")
                .header("x-metadata-author", "second")
                .header("X-Metadata-", "ignored")
                .header("X-Metadata-b", "2"));
        assertThat(set.text()).contains("\"metadata\":{\"author\":\"me\",\"b\":\"2\"}");
        assertThat(metadata("/tmp/m")).containsOnlyKeys("author", "b").containsEntry("author", "me");
        foreign("/tmp/m", "user.other", "stays".getBytes(StandardCharsets.UTF_8));
        sandbox.upload(FilesFixture.put("/tmp/m", "x").header("X-Metadata-b", "3"));
        assertThat(metadata("/tmp/m")).containsOnlyKeys("b").containsEntry("b", "3");
        Files.move(sandbox.at("/tmp/m"), sandbox.at("/tmp/moved"));
        assertThat(metadata("/tmp/moved")).containsEntry("b", "3");
        foreign("/tmp/moved", "user.e2b.binary", new byte[] {(byte) 0xFF});
        assertThat(metadata("/tmp/moved")).containsOnlyKeys("b");
        Answer cleared = sandbox.upload(FilesFixture.put("/tmp/moved", "x"));
        assertThat(cleared.text()).doesNotContain("metadata");
        assertThat(metadata("/tmp/moved")).isEmpty();
        try (Fd handle = sandbox.files.handle("/tmp/moved")) {
            assertThat(Xattrs.list(handle)).contains("user.other");
        }
    }

    @Test
    void R16_metadata_has_limits() {
        assertError(sandbox.upload(FilesFixture.put("/tmp/m", "x").header("X-Metadata-a", "ä")), 400);
        assertError(sandbox.upload(FilesFixture.put("/tmp/m", "x").header("X-Metadata-" + "k".repeat(247), "v")), 400);
        assertError(sandbox.upload(FilesFixture.put("/tmp/m", "x").header("X-Metadata-a", "v".repeat(4087))), 400);
        assertThat(sandbox.at("/tmp/m")).doesNotExist();
        assertThat(sandbox.upload(FilesFixture.put("/tmp/m", "x").header("X-Metadata-" + "k".repeat(246), "v"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void R17_composing_concatenates_in_order_and_removes_the_sources() throws IOException {
        byte[] large = new byte[700_000];
        new Random(3).nextBytes(large);
        write("/tmp/1", "one");
        Files.write(sandbox.at("/tmp/2"), large);
        write("/tmp/3", "three");
        Answer answer = sandbox.compose(
                "{\"source_paths\":[\"/tmp/3\",\"/tmp/2\",\"/tmp/1\"],\"destination\":\"out/all.bin\"}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.field("Content-Type")).isEqualTo("application/json");
        assertThat(answer.text())
                .isEqualTo("{\"name\":\"all.bin\",\"path\":\"/home/user/out/all.bin\",\"type\":\"file\"}");
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        expected.writeBytes("three".getBytes(StandardCharsets.UTF_8));
        expected.writeBytes(large);
        expected.writeBytes("one".getBytes(StandardCharsets.UTF_8));
        assertThat(sandbox.at("/home/user/out/all.bin")).hasBinaryContent(expected.toByteArray());
        assertThat(sandbox.at("/tmp")).isEmptyDirectory();
        assertThat(sandbox.compose("{\"source_paths\":[\"out/all.bin\"],\"destination\":\"/tmp/single\"}")
                        .status())
                .isEqualTo(200);
        assertThat(sandbox.download(FilesFixture.get("/tmp/single")).bytes()).isEqualTo(expected.toByteArray());
    }

    @Test
    void R18_composing_checks_its_request() throws IOException {
        write("/tmp/1", "one");
        assertError(sandbox.compose("{"), 400);
        assertError(sandbox.compose("{\"source_paths\":[],\"destination\":\"/tmp/x\"}"), 400);
        assertError(sandbox.compose("{\"source_paths\":[\"/tmp/1\"],\"destination\":\"\"}"), 400);
        assertError(sandbox.compose("{\"source_paths\":[\"/tmp/1\"],\"destination\":\"/tmp/./1\"}"), 400);
        assertError(sandbox.compose("{\"source_paths\":[\"/tmp\"],\"destination\":\"/tmp/x\"}"), 400);
        assertError(sandbox.compose("{\"source_paths\":[\"/tmp/none\"],\"destination\":\"/tmp/x\"}"), 404);
        assertError(
                sandbox.compose("{\"source_paths\":[\"/tmp/1\"],\"destination\":\"/tmp/x\",\"username\":\"nobody\"}"),
                401);
        assertThat(sandbox.at("/tmp/1")).hasContent("one");
    }

    @Test
    void R19_composing_that_fails_leaves_the_old_destination() throws IOException {
        write("/tmp/1", "one");
        write("/tmp/dest/keep", "kept");
        Answer answer = sandbox.compose("{\"source_paths\":[\"/tmp/1\"],\"destination\":\"/tmp/dest\"}");
        assertError(answer, 500);
        assertThat(sandbox.at("/tmp/dest/keep")).hasContent("kept");
        assertThat(sandbox.at("/tmp/1")).hasContent("one");
        try (var left = Files.list(sandbox.at("/tmp"))) {
            assertThat(left.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("1", "dest");
        }
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "hello.txt,READ,'',-,v1_EnlOIMdb7IgnX5QaDjLz2gUpNaVQOAGMKppE1cMzv94",
                "hello.txt,READ,user,1893456000,v1_qaqHgWnrL0Jg2H+2bXEjnkUmq8ljITw1RrlpNT23OfA",
                "'',WRITE,'',-,v1_p06MGKJzimBFbjIvpRW5UTJCifAxyKNhT/W6CnNvMlE",
                "/home/user/ä b.txt,WRITE,root,1893456000,v1_LNv1yGoQbeZWc3y6osT+0/k08xrINjNIVeFDukoOgeE"
            })
    void R20_signatures_are_those_of_the_contract(
            String path, String operation, String user, Long at, String expected) {
        assertThat(FileSignatures.sign(
                        "secret-token",
                        FileSignatures.Operation.valueOf(operation),
                        path,
                        user,
                        Optional.ofNullable(at)))
                .isEqualTo(expected);
    }

    @Test
    @InProcessOnly("stops the clock")
    void R20_a_signature_is_good_to_the_very_second_it_names() throws Exception {
        FileSignatures check = new FileSignatures(InstantSource.fixed(FilesFixture.NOW));
        long now = FilesFixture.NOW.getEpochSecond();
        check.check("secret-token", FileSignatures.Operation.READ, new Headers(), query(signed(now)));
        assertThatThrownBy(() -> check.check(
                        "secret-token", FileSignatures.Operation.READ, new Headers(), query(signed(now - 1))))
                .hasMessage("signature is already expired");
    }

    private static Query query(String target) throws Query.Malformed {
        return Query.parse(target.substring(target.indexOf('?') + 1));
    }

    @Test
    void R20_who_may_pass_is_decided_in_order() throws IOException {
        write("/home/user/hello.txt", "hi");
        sandbox.token = "secret-token";
        String good = "/files?path=hello.txt&signature="
                + FilesFixture.encode("v1_EnlOIMdb7IgnX5QaDjLz2gUpNaVQOAGMKppE1cMzv94");
        long past = Instant.now().getEpochSecond() - 1;
        assertThat(sandbox.download(FilesFixture.ask(good)).text()).isEqualTo("hi");
        assertMessage(
                FilesFixture.ask(good).header("X-Access-Token", "wrong"),
                "access token present in header but does not match");
        assertThat(sandbox.download(FilesFixture.get("hello.txt").header("X-Access-Token", "secret-token"))
                        .text())
                .isEqualTo("hi");
        assertMessage(FilesFixture.get("hello.txt"), "missing signature query parameter");
        assertMessage(FilesFixture.ask(good + "x"), "invalid signature");
        assertMessage(FilesFixture.ask(good + "&signature_expiration=1893456000"), "invalid signature");
        assertMessage(FilesFixture.ask(signed(past)), "signature is already expired");
        assertMessage(FilesFixture.ask(signed(past).replace("v1_", "v1_x")), "invalid signature");
        assertThat(sandbox.download(FilesFixture.ask(signed(past + 60))).status())
                .isEqualTo(200);
        Answer malformed = sandbox.download(FilesFixture.ask(good + "&signature_expiration=x"));
        assertThat(malformed.status()).isEqualTo(400);
        assertThat(malformed.field("Content-Type")).isEqualTo("text/plain; charset=utf-8");
    }

    @Test
    void downloads_check_user_path_and_kind_in_order() throws IOException {
        Files.createDirectories(sandbox.at("/tmp/dir"));
        write("/tmp/file", "x");
        assertError(sandbox.download(FilesFixture.ask("/files?path=/tmp/file&username=ghost")), 401);
        assertError(sandbox.download(FilesFixture.get("~other/x")), 400);
        assertThat(sandbox.download(FilesFixture.get("missing/x.txt")).text())
                .isEqualTo("{\"code\":404,\"message\":\"path '/home/user/missing/x.txt' does not exist\"}\n");
        assertError(sandbox.download(FilesFixture.get("/tmp/file/below")), 500);
        assertThat(sandbox.download(FilesFixture.get("/tmp/dir")).text()).contains("path '/tmp/dir' is a directory");
        assertError(sandbox.download(FilesFixture.get("/tmp/a\0b")), 500);
        sandbox.defaultUser = "";
        assertError(sandbox.download(FilesFixture.get("/tmp/file")), 400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "bytes=0-3|206|0123|bytes 0-3/10",
                "bytes=4-|206|456789|bytes 4-9/10",
                "bytes=-2|206|89|bytes 8-9/10",
                "bytes=-20|206|0123456789|bytes 0-9/10",
                "bytes=8-99|206|89|bytes 8-9/10",
                "bytes=0-9,0-9|200|0123456789|"
            })
    void single_ranges_are_answered(String range, int status, String content, String contentRange) throws IOException {
        write("/tmp/r.bin", "0123456789");
        Answer answer = sandbox.download(FilesFixture.get("/tmp/r.bin").header("Range", range));
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.text()).isEqualTo(content);
        assertThat(answer.field("Content-Range")).isEqualTo(contentRange);
        assertThat(answer.complete()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"bytes=10-,bytes */10", "bytes=-0,bytes */10", "bytes=5-3,", "items=0-1,", "bytes=x-,", "bytes=5,"})
    void ranges_that_cannot_be_are_416(String range, String contentRange) throws IOException {
        write("/tmp/r.bin", "0123456789");
        Answer answer = sandbox.download(FilesFixture.get("/tmp/r.bin").header("Range", range));
        assertThat(answer.status()).isEqualTo(416);
        assertThat(answer.field("Content-Range")).isEqualTo(contentRange);
        assertThat(answer.field("Content-Type")).isEqualTo("text/plain; charset=utf-8");
    }

    @Test
    void several_ranges_come_as_parts() throws IOException {
        write("/tmp/r.txt", "0123456789");
        Answer answer = sandbox.download(FilesFixture.get("/tmp/r.txt").header("Range", "bytes=0-1, 8-"));
        assertThat(answer.status()).isEqualTo(206);
        String boundary = answer.field("Content-Type").replace("multipart/byteranges; boundary=", "");
        assertThat(answer.text())
                .isEqualTo(
                        "--B\r\nContent-Range: bytes 0-1/10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01\r\n--B\r\n"
                                .concat(
                                        "Content-Range: bytes 8-9/10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n89\r\n--B--\r\n")
                                .replace("--B", "--" + boundary));
        assertThat(answer.complete()).isTrue();
    }

    @Test
    void conditions_are_honoured() throws IOException {
        write("/tmp/c", "content");
        Files.setLastModifiedTime(sandbox.at("/tmp/c"), FileTime.fromMillis(1_600_000_000_500L));
        String same = "Sun, 13 Sep 2020 12:26:40 GMT";
        String before = "Sun, 13 Sep 2020 12:26:39 GMT";
        assertThat(sandbox.download(FilesFixture.get("/tmp/c")).field("Last-Modified"))
                .isEqualTo(same);
        assertThat(conditional("If-Modified-Since", same)).isEqualTo(304);
        assertThat(conditional("If-Modified-Since", before)).isEqualTo(200);
        assertThat(conditional("If-Modified-Since", "nonsense")).isEqualTo(200);
        assertThat(conditional("If-None-Match", "*")).isEqualTo(304);
        assertThat(conditional("If-None-Match", "\"tag\"")).isEqualTo(200);
        assertThat(conditional("If-Unmodified-Since", before)).isEqualTo(412);
        assertThat(conditional("If-Unmodified-Since", same)).isEqualTo(200);
        assertThat(conditional("If-Match", "\"tag\"")).isEqualTo(412);
        assertThat(ifRange(same)).isEqualTo(206);
        assertThat(ifRange(before)).isEqualTo(200);
        assertThat(ifRange("\"tag\"")).isEqualTo(200);
    }

    @Test
    void empty_files_declare_their_length() throws IOException {
        write("/tmp/empty", "");
        Answer answer = sandbox.download(FilesFixture.get("/tmp/empty").header("Range", "bytes=0-"));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.declaredLength()).isZero();
        assertThat(answer.complete()).isTrue();
    }

    @Test
    void types_come_from_the_name_or_the_content() throws IOException {
        assertType("page", "<!doctype html><p>", "text/html; charset=utf-8");
        assertType("plain", "just text", "text/plain; charset=utf-8");
        assertType("img", "\u0089PNG\r\n\u001a\n", "image/png");
        assertType("bin", "\1\2", "application/octet-stream");
        assertType("x.json", "not json", "application/json");
        assertType("noext.d/file", "%PDF-1.4", "application/pdf");
    }

    private void assertType(String name, String content, String type) throws IOException {
        Path path = sandbox.at("/tmp/" + name);
        Files.createDirectories(path.getParent());
        Files.write(path, content.getBytes(StandardCharsets.ISO_8859_1));
        assertThat(sandbox.download(FilesFixture.get("/tmp/" + name)).field("Content-Type"))
                .isEqualTo(type);
    }

    @Test
    void uploads_check_coding_user_and_type_in_order() {
        assertError(sandbox.upload(FilesFixture.put("/tmp/x", "x").header("Content-Encoding", "br")), 400);
        assertError(sandbox.upload(FilesFixture.put("/tmp/x", "no gzip").header("Content-Encoding", "gzip")), 400);
        assertError(
                sandbox.upload(FilesFixture.post("/files?path=/tmp/x&username=ghost", new byte[0])
                        .header("Content-Type", "application/octet-stream")),
                401);
        assertThat(sandbox.at("/tmp/x")).doesNotExist();
    }

    @Test
    void forms_may_bring_several_files_and_other_fields() throws IOException {
        String body = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nskipped\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"d/one.txt\"\r\nContent-Type: text/plain\r\n\r\n1\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"/tmp/two\"\r\n\r\n\r\n--b--\r\n";
        Answer answer = sandbox.upload(formRequest("/files", body));
        assertThat(answer.text()).contains("/home/user/d/one.txt", "/tmp/two");
        assertThat(sandbox.at("/home/user/d/one.txt")).hasContent("1");
        assertThat(sandbox.at("/tmp/two")).isEmptyFile();
    }

    @Test
    void forms_are_checked() {
        String part = "--b\r\nContent-Disposition: form-data; name=\"file\"%s\r\n\r\nx\r\n";
        assertThat(sandbox.upload(formRequest("/files", "--b--\r\n")).text()).isEqualTo("[]");
        assertError(sandbox.upload(formRequest("/files", part.formatted("") + "--b--\r\n")), 400);
        assertThat(sandbox.upload(formRequest("/files?path=/tmp/p", part.formatted("") + "--b--\r\n"))
                        .text())
                .contains("/tmp/p");
        Answer twice = sandbox.upload(formRequest(
                "/files", part.formatted("; filename=twice") + part.formatted("; filename=./twice") + "--b--\r\n"));
        assertError(twice, 400);
        assertThat(sandbox.at("/home/user/twice")).hasContent("x");
        assertError(sandbox.upload(formRequest("/files", part.formatted("; filename=cut"))), 400);
        assertError(
                sandbox.upload(FilesFixture.post("/files", new byte[0]).header("Content-Type", "multipart/form-data")),
                400);
    }

    @Test
    void an_overwritten_file_keeps_its_inode_mode_and_links() throws IOException {
        write("/tmp/script", "old");
        Files.setPosixFilePermissions(sandbox.at("/tmp/script"), PosixFilePermissions.fromString("rwxr-x---"));
        Files.createLink(sandbox.at("/tmp/hard"), sandbox.at("/tmp/script"));
        Files.createSymbolicLink(sandbox.at("/tmp/soft"), Path.of("script"));
        sandbox.upload(FilesFixture.put("/tmp/soft", "new"));
        assertThat(sandbox.at("/tmp/hard")).hasContent("new");
        assertThat(sandbox.at("/tmp/soft")).isSymbolicLink();
        assertThat(permissions("/tmp/script")).isEqualTo("rwxr-x---");
    }

    @Test
    void an_upload_through_a_dangling_link_makes_its_target() throws IOException {
        Files.createDirectories(sandbox.at("/srv"));
        Files.createDirectories(sandbox.at("/tmp"));
        Files.createSymbolicLink(sandbox.at("/tmp/abs"), Path.of("/srv/target"));
        Files.createSymbolicLink(sandbox.at("/tmp/rel"), Path.of("../srv/other"));
        assertThat(sandbox.upload(FilesFixture.put("/tmp/abs", "a")).status()).isEqualTo(200);
        assertThat(sandbox.upload(FilesFixture.put("/tmp/rel", "r")).status()).isEqualTo(200);
        assertThat(sandbox.at("/srv/target")).hasContent("a");
        assertThat(sandbox.at("/srv/other")).hasContent("r");
        assertThat(Path.of("/srv/target")).doesNotExist();
    }

    @Test
    void pipes_are_neither_read_nor_written() throws Exception {
        Files.createDirectories(sandbox.at("/tmp"));
        new ProcessBuilder("mkfifo", sandbox.at("/tmp/pipe").toString()).start().waitFor();
        assertError(sandbox.download(FilesFixture.get("/tmp/pipe")), 500);
        assertError(sandbox.upload(FilesFixture.put("/tmp/pipe", "x")), 500);
        assertError(sandbox.compose("{\"source_paths\":[\"/tmp/pipe\"],\"destination\":\"/tmp/x\"}"), 400);
    }

    @Test
    void names_that_are_not_utf8_are_reached_and_shown() throws IOException {
        assertThat(sandbox.upload(FilesFixture.post("/files?path=/tmp/%ff%c3%a4", new byte[] {'x'})
                                .header("Content-Type", "application/octet-stream"))
                        .text())
                .contains("/tmp/\uFFFDä");
        assertThat(sandbox.download(FilesFixture.ask("/files?path=/tmp/%ff%c3%a4"))
                        .text())
                .isEqualTo("x");
        assertError(sandbox.download(FilesFixture.get("/tmp/\uFFFDä")), 404);
    }

    @Test
    void concurrent_uploads_into_a_new_tree_all_arrive() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Integer>> calls = IntStream.range(0, 16)
                    .<Callable<Integer>>mapToObj(i -> () -> sandbox.upload(FilesFixture.put("/tmp/a/b/c/" + i, "x"))
                            .status())
                    .toList();
            for (var result : threads.invokeAll(calls)) {
                assertThat(result.get()).isEqualTo(200);
            }
        }
        try (var list = Files.list(sandbox.at("/tmp/a/b/c"))) {
            assertThat(list).hasSize(16);
        }
    }

    @Test
    void a_body_that_breaks_off_is_no_answer_and_leaves_the_part() throws Exception {
        InputStream broken = new InputStream() {
            private int left = 100_000;

            @Override
            public int read() throws IOException {
                if (left-- <= 0) {
                    throw new IOException("client gone");
                }
                return 'x';
            }
        };
        MemoryExchange exchange = MemoryExchange.streaming("POST", "/files?path=/tmp/part", broken)
                .header("Content-Type", "application/octet-stream");
        assertThatThrownBy(() -> sandbox.upload(exchange)).hasMessageContaining("client gone");
        assertThat(exchange.started()).isFalse();
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (Files.notExists(sandbox.at("/tmp/part")) && System.nanoTime() < deadline) {
            Thread.sleep(5);
        }
        assertThat(sandbox.at("/tmp/part")).exists();
    }

    private void write(String path, String content) throws IOException {
        Files.createDirectories(sandbox.at(path).getParent());
        Files.writeString(sandbox.at(path), content);
    }

    private String permissions(String path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(sandbox.at(path)));
    }

    private Map<String, String> metadata(String path) throws IOException {
        try (Fd handle = sandbox.files.handle(path)) {
            return Metadata.read(handle);
        }
    }

    private void foreign(String path, String attribute, byte[] value) throws IOException {
        try (Fd handle = sandbox.files.handle(path);
                Fd file = FileTree.reopen(handle, Open.WRITE)) {
            Xattrs.set(file, attribute, value);
        }
    }

    private String signed(long expiration) {
        String signature = FileSignatures.sign(
                "secret-token", FileSignatures.Operation.READ, "hello.txt", "", Optional.of(expiration));
        return "/files?path=hello.txt&signature_expiration=" + expiration + "&signature="
                + FilesFixture.encode(signature);
    }

    private int conditional(String field, String value) {
        return sandbox.download(FilesFixture.get("/tmp/c").header(field, value)).status();
    }

    private int ifRange(String value) {
        return sandbox.download(
                        FilesFixture.get("/tmp/c").header("Range", "bytes=0-1").header("If-Range", value))
                .status();
    }

    private static MemoryExchange formRequest(String target, String body) {
        return FilesFixture.post(target, body.getBytes(StandardCharsets.UTF_8))
                .header("Content-Type", "multipart/form-data; boundary=\"b\"");
    }

    private static byte[] form(String boundary, String fileName, String content) {
        return ("--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + fileName
                        + "\"\r\nContent-Type: text/plain\r\n\r\n" + content + "\r\n--" + boundary + "--\r\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    private void assertMessage(MemoryExchange request, String message) {
        assertThat(sandbox.download(request).text()).isEqualTo("{\"code\":401,\"message\":\"" + message + "\"}\n");
    }

    private static void assertError(Answer answer, int status) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.text())
                .startsWith("{\"code\":" + status + ",\"message\":\"")
                .endsWith("\"}\n");
        assertThat(answer.field("Content-Type")).isEqualTo("application/json; charset=utf-8");
        assertThat(answer.field("X-Content-Type-Options")).isEqualTo("nosniff");
    }
}

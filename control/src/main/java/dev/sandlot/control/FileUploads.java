package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Exchange;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files for COPY steps: whether they are here, where to send them, and taking them in (public-api.md 13.3). An upload
 * is outside the rules of the API: its link says who may, and neither the limit of bodies nor that of time holds.
 */
final class FileUploads {
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern LINK = Pattern.compile(UploadLinks.ROOT + "(?<team>[^/]+)/(?<hash>[0-9a-f]{64})");
    private static final Pattern AUTHORITY = Pattern.compile("[A-Za-z0-9._~:\\[\\]-]{1,255}");

    private final UploadLinks links;
    private final BuildService builder;
    private final TemplateStore templates;
    private final long mostBytes;

    FileUploads(UploadLinks links, BuildService builder, TemplateStore templates) {
        this(links, builder, templates, BuildService.MAX_FILES_BYTES);
    }

    FileUploads(UploadLinks links, BuildService builder, TemplateStore templates, long mostBytes) {
        this.links = links;
        this.builder = builder;
        this.templates = templates;
        this.mostBytes = mostBytes;
    }

    private record FileUpload(boolean present, String url) {}

    List<Route> routes() {
        return List.of(
                new Route("GET", "/templates/{templateID}/files/{hash}", Access.TEAM_OR_TOKEN, true, this::link));
    }

    private Reply link(Call call) throws ApiException {
        String templateId = call.parameter("templateID");
        String hash = call.parameter("hash");
        if (!HASH.matcher(hash).matches()) {
            throw new ApiException(ErrorKind.INVALID, "Invalid files hash");
        }
        UUID team = call.team().id();
        if (templates
                .byId(templateId)
                .filter(template -> team.equals(template.teamId()))
                .isEmpty()) {
            throw new ApiException(ErrorKind.NOT_FOUND, "template '" + templateId + "' not found");
        }
        return Reply.json(201, new FileUpload(builder.hasFiles(team, hash), address(call) + links.make(team, hash)));
    }

    /** Where the client has reached us; a proxy in front that changes that says so. */
    private static String address(Call call) throws ApiException {
        String scheme = call.header("X-Forwarded-Proto")
                .filter(text -> text.equals("https") || text.equals("http"))
                .orElseGet(call::scheme);
        String authority = call.header("X-Forwarded-Host").orElseGet(call::authority);
        if (!AUTHORITY.matcher(authority).matches()) {
            throw new ApiException(ErrorKind.INVALID, "the header Host is needed to tell where files are sent");
        }
        return scheme + "://" + authority;
    }

    /** Whether the request is one for a link. */
    static boolean takes(Exchange exchange) {
        return exchange.rawPath().startsWith(UploadLinks.ROOT);
    }

    /** Takes the files in. */
    Reply answer(Exchange exchange) throws ApiException {
        if (!exchange.method().equals("PUT")) {
            return Reply.refusal(405, "files are sent with PUT").with("Allow", "PUT");
        }
        Query query = Query.parse(exchange.rawQuery());
        Optional<String> expires = query.text(UploadLinks.EXPIRES);
        Optional<String> signature = query.text(UploadLinks.SIGNATURE);
        if (expires.isEmpty() || signature.isEmpty()) {
            throw new ApiException(ErrorKind.INVALID, "the link is not complete");
        }
        Matcher link = LINK.matcher(exchange.rawPath());
        Optional<UUID> team = link.matches() ? Uuids.parse(link.group("team")) : Optional.empty();
        if (team.isEmpty() || !links.holds(team.get(), link.group("hash"), number(expires.get()), signature.get())) {
            throw new ApiException(ErrorKind.FORBIDDEN, "the link is not valid, or not any more; ask for a new one");
        }
        return store(exchange, team.get(), link.group("hash"));
    }

    private static long number(String text) throws ApiException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new ApiException(ErrorKind.INVALID, "the link is not complete", e);
        }
    }

    private Reply store(Exchange exchange, UUID team, String hash) throws ApiException {
        long length = exchange.requestLength();
        if (length < 0) {
            return Reply.refusal(411, "the length of the files must be told beforehand in Content-Length");
        }
        if (length == 0) {
            throw new ApiException(ErrorKind.INVALID, "there are no files in the request");
        }
        if (length > mostBytes) {
            throw new ApiException(ErrorKind.TOO_LARGE, "the files are larger than " + mostBytes + " bytes");
        }
        builder.storeFiles(team, hash, exchange.requestBody(), length);
        return Reply.empty(200);
    }
}

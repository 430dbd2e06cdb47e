package dev.sandlot.envd;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.filesystem.CreateWatcherRequest;
import dev.sandlot.protocol.filesystem.CreateWatcherResponse;
import dev.sandlot.protocol.filesystem.GetWatcherEventsRequest;
import dev.sandlot.protocol.filesystem.GetWatcherEventsResponse;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.ListDirResponse;
import dev.sandlot.protocol.filesystem.MakeDirRequest;
import dev.sandlot.protocol.filesystem.MakeDirResponse;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.MoveResponse;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import dev.sandlot.protocol.filesystem.RemoveResponse;
import dev.sandlot.protocol.filesystem.RemoveWatcherRequest;
import dev.sandlot.protocol.filesystem.RemoveWatcherResponse;
import dev.sandlot.protocol.filesystem.StatRequest;
import dev.sandlot.protocol.filesystem.StatResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The file service as its clients call it: unary calls, in binary form. */
record FilesystemClient(Function<MemoryExchange, Answer> envd) {
    StatResponse stat(StatRequest request, @Nullable String user) throws ConnectException {
        return call("Stat", request, user, StatResponse.parser());
    }

    ListDirResponse listDir(ListDirRequest request, @Nullable String user) throws ConnectException {
        return call("ListDir", request, user, ListDirResponse.parser());
    }

    MoveResponse move(MoveRequest request, @Nullable String user) throws ConnectException {
        return call("Move", request, user, MoveResponse.parser());
    }

    MakeDirResponse makeDir(MakeDirRequest request, @Nullable String user) throws ConnectException {
        return call("MakeDir", request, user, MakeDirResponse.parser());
    }

    RemoveResponse remove(RemoveRequest request, @Nullable String user) throws ConnectException {
        return call("Remove", request, user, RemoveResponse.parser());
    }

    CreateWatcherResponse createWatcher(CreateWatcherRequest request) throws ConnectException {
        return call("CreateWatcher", request, null, CreateWatcherResponse.parser());
    }

    GetWatcherEventsResponse getWatcherEvents(GetWatcherEventsRequest request) throws ConnectException {
        return call("GetWatcherEvents", request, null, GetWatcherEventsResponse.parser());
    }

    RemoveWatcherResponse removeWatcher(RemoveWatcherRequest request) throws ConnectException {
        return call("RemoveWatcher", request, null, RemoveWatcherResponse.parser());
    }

    private <T extends Message> T call(String method, Message request, @Nullable String user, Parser<T> parser)
            throws ConnectException {
        MemoryExchange exchange = MemoryExchange.of("POST", "/filesystem.Filesystem/" + method, request.toByteArray())
                .header("Content-Type", "application/proto");
        if (user != null) {
            byte[] name = (user + ":").getBytes(StandardCharsets.UTF_8);
            exchange.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(name));
        }
        Answer answer = envd.apply(exchange);
        if (answer.status() != 200) {
            throw error(answer);
        }
        try {
            return parser.parseFrom(answer.bytes());
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    private static ConnectException error(Answer answer) {
        JsonObject json = JsonParser.parseString(answer.text()).getAsJsonObject();
        ConnectCode code = ConnectCode.valueOf(json.get("code").getAsString().toUpperCase(Locale.ROOT));
        if (code.httpStatus() != answer.status()) {
            throw new AssertionError(code + " with status " + answer.status());
        }
        return new ConnectException(
                code, json.has("message") ? json.get("message").getAsString() : "");
    }
}

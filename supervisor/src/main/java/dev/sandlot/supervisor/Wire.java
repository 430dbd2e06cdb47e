package dev.sandlot.supervisor;

import dev.sandlot.linux.Errno;
import dev.sandlot.supervisor.Supervisor.Child;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The frames of {@code protocol.h}, where they are explained. */
final class Wire {
    static final int VERSION = 1;
    static final int HEADER_BYTES = 16;
    static final int MAX_PAYLOAD_BYTES = 4 << 20;

    static final int SPAWN = 1;
    static final int SIGNAL = 2;
    static final int LIST = 3;
    static final int ATTACH = 4;
    static final int CLOSE_INPUT = 5;
    static final int RELEASE = 6;
    static final int CONTAIN = 7;
    static final int PING = 8;
    static final int HELLO = 100;
    static final int REPLY = 101;
    static final int EXITED = 102;

    static final int ENDS_INPUT = 1;
    static final int ENDS_OUTPUT = 2;
    static final int ENDS_ERRORS = 4;

    private static final int SPAWN_FIXED_BYTES = 40;
    private static final int CHILD_BYTES = 16;
    private static final int PIPES = 0;
    private static final int PIPES_WITH_INPUT = 1;
    private static final int TERMINAL = 2;

    private Wire() {}

    /** A whole frame, ready to be sent. */
    static ByteBuffer frame(int type, long number, byte[] payload) {
        ByteBuffer frame = littleEndian(new byte[HEADER_BYTES + payload.length]);
        frame.putInt(payload.length).putInt(type).putLong(number).put(payload);
        return frame.flip();
    }

    static byte[] ints(int... values) {
        byte[] payload = new byte[values.length * Integer.BYTES];
        littleEndian(payload).asIntBuffer().put(values);
        return payload;
    }

    static ByteBuffer littleEndian(byte[] payload) {
        return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** @throws SpawnException when the kernel could not be given these strings, for their size or a zero byte */
    static byte[] spawn(SpawnRequest request) throws SpawnException {
        byte[] strings = strings(request);
        long size = SPAWN_FIXED_BYTES + (long) request.groups().size() * Integer.BYTES + strings.length;
        if (size > MAX_PAYLOAD_BYTES) {
            throw new SpawnException(SpawnException.Step.EXEC, Errno.E2BIG.number());
        }
        byte[] bytes = new byte[(int) size];
        ByteBuffer payload = littleEndian(bytes);
        payload.putLong(request.cookie()).putInt(request.uid()).putInt(request.gid());
        putStreams(payload, request.streams());
        payload.putInt(request.groups().size());
        payload.putInt(1 + request.arguments().size());
        payload.putInt(request.environment().size());
        payload.putInt(0);
        request.groups().forEach(payload::putInt);
        payload.put(strings);
        return bytes;
    }

    static List<Child> children(ByteBuffer body) {
        List<Child> children = new ArrayList<>(body.remaining() / CHILD_BYTES);
        while (body.remaining() >= CHILD_BYTES) {
            int pid = body.getInt();
            int status = body.getInt();
            children.add(new Child(pid, body.getLong(), status));
        }
        return children;
    }

    private static void putStreams(ByteBuffer payload, Streams streams) {
        switch (streams) {
            case Streams.Pipes(boolean stdin) ->
                payload.putInt(stdin ? PIPES_WITH_INPUT : PIPES).putInt(0);
            case Streams.Terminal(int columns, int rows) ->
                payload.putInt(TERMINAL).putShort((short) columns).putShort((short) rows);
        }
    }

    private static byte[] strings(SpawnRequest request) throws SpawnException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        putString(out, request.directory());
        putString(out, request.command());
        for (String argument : request.arguments()) {
            putString(out, argument);
        }
        for (var variable : request.environment().entrySet()) {
            putString(out, variable.getKey() + "=" + variable.getValue());
        }
        return out.toByteArray();
    }

    private static void putString(ByteArrayOutputStream out, String string) throws SpawnException {
        if (string.indexOf('\0') >= 0) {
            throw new SpawnException(SpawnException.Step.EXEC, Errno.EINVAL.number());
        }
        out.writeBytes(string.getBytes(StandardCharsets.UTF_8));
        out.write(0);
    }
}

package dev.sandlot.protocol;

import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The two ways a message is written: JSON (envd.md 5.7) and binary protobuf. */
enum ConnectCodec {
    JSON("json") {
        @Override
        byte[] encode(Message message, ConnectJson json) {
            try {
                return json.printer().print(message).getBytes(StandardCharsets.UTF_8);
            } catch (InvalidProtocolBufferException e) {
                throw new IllegalArgumentException(
                        "cannot write " + message.getDescriptorForType().getFullName(), e);
            }
        }

        @Override
        void merge(byte[] payload, Message.Builder into, ConnectJson json) throws InvalidProtocolBufferException {
            if (payload.length == 0) {
                throw new InvalidProtocolBufferException("zero-length payload is not a valid JSON object");
            }
            requireFewValues(payload);
            json.parser().merge(text(payload), into);
        }
    },
    PROTO("proto") {
        @Override
        byte[] encode(Message message, ConnectJson json) {
            return message.toByteArray();
        }

        @Override
        void merge(byte[] payload, Message.Builder into, ConnectJson json) throws InvalidProtocolBufferException {
            into.mergeFrom(DiscardUnknownFieldsParser.wrap(
                            into.getDefaultInstanceForType().getParserForType())
                    .parseFrom(payload));
        }
    };

    /** Of one message in JSON. */
    private static final int MAX_VALUES = 100_000;

    private final String subtype;

    ConnectCodec(String subtype) {
        this.subtype = subtype;
    }

    String subtype() {
        return subtype;
    }

    abstract byte[] encode(Message message, ConnectJson json);

    abstract void merge(byte[] payload, Message.Builder into, ConnectJson json) throws InvalidProtocolBufferException;

    /** Reads a message of the prototype's type. */
    @SuppressWarnings("unchecked")
    <Q extends Message> Q decode(byte[] payload, Q prototype, ConnectJson json) throws ConnectException {
        Message.Builder builder = prototype.newBuilderForType();
        try {
            merge(payload, builder, json);
            return (Q) builder.build();
        } catch (InvalidProtocolBufferException e) {
            throw new ConnectException(
                    ConnectCode.INVALID_ARGUMENT, "unmarshal into " + typeName(prototype) + ": " + e.getMessage(), e);
        }
    }

    /** Every value takes far more memory than its text, and what a client means to say has few. */
    private static void requireFewValues(byte[] json) throws InvalidProtocolBufferException {
        int values = 0;
        boolean inText = false;
        for (int i = 0; i < json.length; i++) {
            switch (json[i]) {
                case '"' -> inText = !inText;
                case '\\' -> i++;
                case ',', '{', '[' -> values += inText ? 0 : 1;
                default -> {}
            }
        }
        if (values > MAX_VALUES) {
            throw new InvalidProtocolBufferException("more than " + MAX_VALUES + " values");
        }
    }

    private static String typeName(Message message) {
        return message.getDescriptorForType().getFullName();
    }

    private static String text(byte[] payload) throws InvalidProtocolBufferException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(payload))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidProtocolBufferException("invalid UTF-8");
        }
    }
}

package dev.sandlot.protocol;

import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;

/** How messages are written as JSON and read from it (envd.md 5.7). */
record ConnectJson(JsonFormat.Printer printer, JsonFormat.Parser parser) {
    /** For messages that hold no {@code Any}. */
    static final ConnectJson PLAIN = of(TypeRegistry.getEmptyTypeRegistry());

    /** @param types what an {@code Any} may hold */
    static ConnectJson of(TypeRegistry types) {
        return new ConnectJson(
                JsonFormat.printer().usingTypeRegistry(types).omittingInsignificantWhitespace(),
                JsonFormat.parser().usingTypeRegistry(types).ignoringUnknownFields());
    }
}

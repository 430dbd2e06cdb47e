package dev.sandlot.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonFactoryBuilder;
import tools.jackson.databind.json.JsonMapper;

/** The JSON of the API and of the store: what has no value is left out, never null (public-api.md 6.1). */
final class Json {
    static final JsonMapper MAPPER = mapper(JsonFactory.builder());

    /** For what callers send: a document of many small values takes many times its bytes. */
    static final JsonMapper FOREIGN = mapper(JsonFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxTokenCount(100_000).build()));

    private static JsonMapper mapper(JsonFactoryBuilder factory) {
        return JsonMapper.builder(factory.build())
                .changeDefaultPropertyInclusion(inclusion -> inclusion.withValueInclusion(JsonInclude.Include.NON_NULL))
                .build();
    }

    private Json() {}
}

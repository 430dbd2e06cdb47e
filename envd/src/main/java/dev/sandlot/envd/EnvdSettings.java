package dev.sandlot.envd;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The settings of one sandbox that {@code /init} may change. Safe for several threads: each reader sees one state. */
final class EnvdSettings {
    /** One state; {@code internal} variables win over those of the user. */
    record State(
            Map<String, String> internal,
            Map<String, String> envVars,
            @Nullable String token,
            String user,
            String workdir) {
        State {
            internal = Map.copyOf(internal);
            envVars = Map.copyOf(envVars);
        }
    }

    private final String owner;
    private final Consumer<State> keeper;
    private volatile State state;

    EnvdSettings(EnvdConfig config) {
        this(config.owner(), begin(config), state -> {});
    }

    /**
     * @param owner in whose name memory is held for bodies of requests
     * @param keeper told of each state before it counts; by throwing it keeps the state as it is
     */
    EnvdSettings(String owner, State state, Consumer<State> keeper) {
        this.owner = owner;
        this.state = state;
        this.keeper = keeper;
    }

    /** The state that a configuration describes. */
    static State begin(EnvdConfig config) {
        Map<String, String> internal = Map.of(
                "E2B_SANDBOX", "true",
                "E2B_SANDBOX_ID", config.sandboxId().value(),
                "E2B_TEMPLATE_ID", config.templateId());
        return new State(
                internal, config.envVars(), config.accessToken(), config.defaultUser(), config.defaultWorkdir());
    }

    String owner() {
        return owner;
    }

    State state() {
        return state;
    }

    void replace(State next) {
        keeper.accept(next);
        state = next;
    }

    /** The variables every process gets: the user's, and over them the internal ones. */
    Map<String, String> variables() {
        State now = state;
        Map<String, String> all = new LinkedHashMap<>(now.envVars());
        all.putAll(now.internal());
        return all;
    }

    Optional<String> token() {
        return Optional.ofNullable(state.token());
    }

    Optional<String> defaultUser() {
        return Optional.of(state.user()).filter(user -> !user.isEmpty());
    }

    /** As {@link #defaultUser}, but empty for none. */
    String defaultUserOrNone() {
        return state.user();
    }

    String defaultWorkdir() {
        return state.workdir();
    }
}

package dev.sandlot.images;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.PushRights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The rules of the door (template-build.md 17.2), and two doors of our own:
 *
 * <ul>
 *   <li>{@code _e2b_access_token} with an access token: one template whose build waits, pull for two hours
 *       and push as long as it waits;
 *   <li>{@code _api_key} with an API key: the repositories under the team's slug, pull and push;
 *   <li>{@code admin} with the operator's token: everything.
 * </ul>
 *
 * <p>The last two are taken at {@code /v2/token}, whose answer then lasts five minutes, and as they are.
 */
public final class TokenGuard implements RegistryGuard {
    /** Where the images of older clients lie, {@code <templateID>:<buildID>} below it. */
    public static final String BUILDS = "e2b/custom-envs";

    private static final String TOKEN_USER = "_e2b_access_token";
    private static final String KEY_USER = "_api_key";
    private static final String OPERATOR = "admin";
    private static final Duration BUILD_LIFE = Duration.ofHours(2);
    private static final Duration SHORT_LIFE = Duration.ofMinutes(5);
    private static final Pattern BUILD_SCOPE =
            Pattern.compile("repository:" + BUILDS + "/([a-z0-9]{1,64}):([a-z*]+(?:,[a-z*]+)*)");
    private static final Pattern SCOPE = Pattern.compile("repository(?:\\([a-z]+\\))?:([^:]+):([a-z*]+(?:,[a-z*]+)*)");
    private static final Pattern AUTHORITY = Pattern.compile("[A-Za-z0-9.\\-_\\[\\]:]{1,255}");

    private final PushRights rights;
    private final String hostname;
    private final boolean hasTeams;
    private final RegistryTokens tokens;

    /**
     * The guard of a registry.
     *
     * @param hostname the name under which clients reach the registry over HTTPS, or a whole {@code http(s)://…};
     *     empty to take what the request says
     * @param hasTeams whether teams have repositories of their own
     */
    public TokenGuard(PushRights rights, String hostname, boolean hasTeams) {
        this(rights, hostname, hasTeams, InstantSource.system());
    }

    TokenGuard(PushRights rights, String hostname, boolean hasTeams, InstantSource clock) {
        this.rights = rights;
        this.hostname = hostname;
        this.hasTeams = hasTeams;
        this.tokens = new RegistryTokens(clock);
    }

    /** A user and a password. */
    private record Login(String user, String password) {
        @Override
        public String toString() {
            return "Login[" + user + ", ***]";
        }
    }

    /** Everything. */
    private record Everything() implements Grant {
        @Override
        public boolean allows(RepositoryName repository, Act act) {
            return true;
        }
    }

    /** Pulls and pushes below the name of a team. */
    private record OfTeam(String namespace, boolean mayPush) implements Grant {
        @Override
        public boolean allows(RepositoryName repository, Act act) {
            return repository.isUnder(namespace)
                    && !repository.isUnder(BUILDS)
                    && (act == Act.PULL || (act == Act.PUSH && mayPush));
        }
    }

    /** One template of an older client; nothing is pushed when no build of it waits any more. */
    private record OfBuild(RepositoryName repository, Set<Act> acts, BooleanSupplier waits) implements Grant {
        @Override
        public boolean allows(RepositoryName asked, Act act) {
            return asked.equals(repository) && acts.contains(act) && (act == Act.PULL || waits.getAsBoolean());
        }
    }

    /** Nothing; what {@code docker login} gets. */
    private record Nothing(boolean isRenewable) implements Grant {
        @Override
        public boolean allows(RepositoryName repository, Act act) {
            return false;
        }
    }

    /** Named acts in named repositories, as far as the login allows them. */
    private record Scoped(Grant login, Map<RepositoryName, Set<Act>> asked) implements Grant {
        @Override
        public boolean allows(RepositoryName repository, Act act) {
            return asked.getOrDefault(repository, Set.of()).contains(act) && login.allows(repository, act);
        }

        @Override
        public boolean isRenewable() {
            return true;
        }
    }

    @Override
    public Optional<Grant> grant(Exchange exchange) {
        String authorization =
                exchange.requestHeaders().first("Authorization").orElse("").strip();
        if (authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return tokens.find(authorization.substring(7).strip());
        }
        return login(exchange.requestHeaders()).flatMap(this::ownGrant);
    }

    /** What the operator or the holder of a key may do. */
    private Optional<Grant> ownGrant(Login login) {
        return switch (login.user()) {
            case OPERATOR -> rights.isOperator(login.password()) ? Optional.of(new Everything()) : Optional.empty();
            case KEY_USER ->
                (hasTeams ? rights.holderOf(login.password()) : Optional.<PushRights.KeyHolder>empty())
                        .map(holder -> new OfTeam(holder.namespace(), holder.mayPush()));
            default -> Optional.empty();
        };
    }

    @Override
    public String challenge(Exchange exchange, String scope) {
        String wanted = scope.isEmpty() ? "" : ",scope=\"" + scope + "\"";
        return "Bearer realm=\"" + base(exchange) + "/v2/token\",service=\"sandlot\"" + wanted;
    }

    private String base(Exchange exchange) {
        if (!hostname.isEmpty()) {
            return hostname.contains("://") ? hostname : "https://" + hostname;
        }
        String authority = exchange.authority();
        return exchange.scheme() + "://" + (AUTHORITY.matcher(authority).matches() ? authority : "localhost");
    }

    @Override
    public void issue(Exchange exchange) throws IOException, RegistryException {
        Login login = login(exchange.requestHeaders())
                .orElseThrow(() -> new RegistryException(RegistryError.BAD_LOGIN, "invalid basic authorization"));
        List<String> scopes = RegistryQuery.parse(exchange.rawQuery()).all("scope").stream()
                .flatMap(text -> List.of(text.strip().split(" +")).stream())
                .filter(text -> !text.isEmpty())
                .toList();
        if (login.user().equals(TOKEN_USER)) {
            answer(exchange, buildGrant(login.password(), scopes), BUILD_LIFE);
        } else if (login.user().equals(OPERATOR) || login.user().equals(KEY_USER)) {
            Grant own = ownGrant(login).orElseThrow(() -> denied("invalid credentials"));
            answer(exchange, new Scoped(own, asked(scopes)), SHORT_LIFE);
        } else {
            throw new RegistryException(RegistryError.BAD_LOGIN, "the user must be " + TOKEN_USER);
        }
    }

    private void answer(Exchange exchange, Grant grant, Duration life) throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("token", tokens.issue(grant, life));
        answer.put("expires_in", life.toSeconds());
        exchange.responseHeaders().set("Cache-Control", "no-store");
        RegistryEndpoint.json(exchange, 200, answer);
    }

    private Grant buildGrant(String password, List<String> scopes) throws RegistryException {
        UUID person = rights.personOf(bare(password)).orElseThrow(() -> denied("invalid access token"));
        if (scopes.isEmpty()) {
            return new Nothing(false);
        }
        Matcher m = BUILD_SCOPE.matcher(scopes.size() == 1 ? scopes.getFirst() : "");
        if (!m.matches()) {
            throw new RegistryException(
                    RegistryError.BAD_LOGIN, "the scope must be one repository " + BUILDS + "/<templateID>");
        }
        Set<Act> acts = acts(m.group(2));
        if (acts.contains(Act.DELETE)) {
            throw denied("nothing can be deleted with this token");
        }
        String template = m.group(1);
        BooleanSupplier waits = () -> rights.ownsWaitingBuild(person, template);
        if (!waits.getAsBoolean()) {
            throw denied("you own no build of this template that waits for an image");
        }
        return new OfBuild(new RepositoryName(BUILDS + "/" + template), acts, waits);
    }

    /** Without what shells and copying leave around a token. */
    private static String bare(String password) {
        String text = password.strip();
        int from = 0;
        int to = text.length();
        while (from < to && isDecoration(text.charAt(from))) {
            from++;
        }
        while (from < to && isDecoration(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(from, to);
    }

    private static boolean isDecoration(char c) {
        return c == '"' || c == '\'' || Character.isWhitespace(c);
    }

    /** Scopes that are of no repository are left out, as the protocol asks of token servers. */
    private static Map<RepositoryName, Set<Act>> asked(List<String> scopes) {
        Map<RepositoryName, Set<Act>> asked = new LinkedHashMap<>();
        for (String scope : scopes) {
            Matcher m = SCOPE.matcher(scope);
            Optional<RepositoryName> name = m.matches() ? RepositoryName.parse(m.group(1)) : Optional.empty();
            if (name.isPresent()) {
                asked.computeIfAbsent(name.get(), _ -> EnumSet.noneOf(Act.class))
                        .addAll(acts(m.group(2)));
            }
        }
        return asked;
    }

    private static Set<Act> acts(String actions) {
        Set<Act> acts = EnumSet.noneOf(Act.class);
        for (String action : actions.split(",")) {
            switch (action) {
                case "pull" -> acts.add(Act.PULL);
                case "push" -> acts.add(Act.PUSH);
                case "delete" -> acts.add(Act.DELETE);
                case "*" -> acts.addAll(EnumSet.allOf(Act.class));
                default -> {}
            }
        }
        return acts;
    }

    private static Optional<Login> login(Headers headers) {
        String authorization = headers.first("Authorization").orElse("").strip();
        String decoded = authorization.regionMatches(true, 0, "Basic ", 0, 6) ? decoded(authorization) : null;
        int colon = decoded == null ? -1 : decoded.indexOf(':');
        return decoded == null || colon < 0
                ? Optional.empty()
                : Optional.of(new Login(decoded.substring(0, colon), decoded.substring(colon + 1)));
    }

    private static @Nullable String decoded(String authorization) {
        try {
            byte[] bytes = Base64.getDecoder().decode(authorization.substring(6).strip());
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static RegistryException denied(String message) {
        return new RegistryException(RegistryError.DENIED, message);
    }
}

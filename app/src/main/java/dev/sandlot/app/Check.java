package dev.sandlot.app;

import dev.sandlot.control.IdentityProvider;
import dev.sandlot.control.OperatorKeys;
import dev.sandlot.control.RateLimits;
import dev.sandlot.control.RedisAddress;
import dev.sandlot.control.StoreLocation;
import dev.sandlot.images.RepositoryName;
import dev.sandlot.images.UpstreamRegistry;
import java.net.URI;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/** What the text of a setting may be. */
enum Check {
    ANY("anything"),
    NOT_EMPTY("not empty"),
    PATH_OR_EMPTY("an absolute path"),
    DATABASE_OR_EMPTY("the URL of a PostgreSQL database, such as postgres://user:password@host/database"),
    WEB_ADDRESS_OR_EMPTY("an https URL without query; http only for this machine"),
    REDIS_OR_EMPTY("the URL of a Redis, such as redis://user:password@host:6379/0"),
    ADDRESS("an IPv4 or IPv6 address"),
    PORT("a port from 0 to 65535"),
    COUNT("a whole number from 0"),
    POSITIVE("a whole number from 1"),
    READY_SECONDS("a whole number from 1 to 65, as a request has 70 seconds"),
    DOMAIN("a host name, with a port where clients need one"),
    CIDR_OR_EMPTY("an IPv4 range from /8 to /28, such as 10.201.0.0/16"),
    KIND("oci, the only runtime there is"),
    LEVEL("error, warn, info, debug or trace"),
    FORMAT("text or json"),
    TRUTH("true or false"),
    PROVIDERS("a JSON object of identity providers"),
    HOST_OR_EMPTY("a host name with or without a port"),
    REGISTRY_OR_EMPTY("a registry's address, such as https://user:password@host"),
    REPOSITORY("the name of a repository, such as e2b/custom-envs"),
    OPERATOR_KEYS("a JSON object with issuer and keys of operators"),
    RATES("a list such as list=20/1s, POST /v2/sandboxes=5/1s");

    private static final Pattern NUMBER = Pattern.compile("\\d{1,10}");
    private static final String OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
    private static final Pattern IPV4 = Pattern.compile(OCTET + "(\\." + OCTET + "){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:]*:[0-9a-fA-F:.]*");
    private static final Pattern HOST_NAME = Pattern.compile("[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?");

    private static final Pattern HOST_AND_PORT = Pattern.compile(HOST_NAME + "(:\\d{1,5})?");

    private final String wanted;

    Check(String wanted) {
        this.wanted = wanted;
    }

    Optional<String> problem(String text) {
        return accepts(text) ? Optional.empty() : Optional.of("must be " + wanted);
    }

    private boolean accepts(String text) {
        return switch (this) {
            case ANY -> true;
            case NOT_EMPTY -> !text.isBlank();
            case PATH_OR_EMPTY -> text.isEmpty() || text.startsWith("/");
            case DATABASE_OR_EMPTY -> text.isEmpty() || isDatabase(text);
            case WEB_ADDRESS_OR_EMPTY ->
                text.isEmpty() || isReadBy(url -> new StoreLocation.Supabase(URI.create(url), "key", 1), text);
            case REDIS_OR_EMPTY -> text.isEmpty() || isReadBy(RedisAddress::new, text);
            case ADDRESS -> isAddress(text);
            case PORT -> isNumber(text, 0, 65_535);
            case COUNT -> isNumber(text, 0, Integer.MAX_VALUE);
            case POSITIVE -> isNumber(text, 1, Integer.MAX_VALUE);
            case READY_SECONDS -> isNumber(text, 1, 65);
            case DOMAIN -> HOST_AND_PORT.matcher(text).matches();
            case CIDR_OR_EMPTY -> text.isEmpty() || isCidr(text);
            case KIND -> text.equals("oci");
            case LEVEL -> Pattern.matches("error|warn|info|debug|trace", text);
            case FORMAT -> Pattern.matches("text|json", text);
            case TRUTH -> Pattern.matches("true|false", text);
            case PROVIDERS -> isReadBy(IdentityProvider::parse, text);
            case HOST_OR_EMPTY -> text.isEmpty() || HOST_AND_PORT.matcher(text).matches();
            case REGISTRY_OR_EMPTY -> text.isEmpty() || isReadBy(UpstreamRegistry::requireAddress, text);
            case REPOSITORY -> RepositoryName.parse(text).isPresent();
            case OPERATOR_KEYS -> isReadBy(OperatorKeys::parse, text);
            case RATES -> isReadBy(RateLimits::parse, text);
        };
    }

    private static boolean isReadBy(Function<String, ?> reader, String text) {
        try {
            var _ = reader.apply(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean isNumber(String text, long low, long high) {
        return NUMBER.matcher(text).matches() && Long.parseLong(text) >= low && Long.parseLong(text) <= high;
    }

    private static boolean isDatabase(String text) {
        try {
            var _ = new StoreLocation.Postgres(text, 1);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean isAddress(String text) {
        return IPV4.matcher(text).matches() || IPV6.matcher(text).matches();
    }

    private static boolean isCidr(String text) {
        int slash = text.indexOf('/');
        return slash > 0
                && IPV4.matcher(text.substring(0, slash)).matches()
                && isNumber(text.substring(slash + 1), 8, 28);
    }
}

package dev.sandlot.control;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import javax.sql.DataSource;
import org.postgresql.Driver;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Where a PostgreSQL database is and how to get in, read from the two forms in which people have it: the URI of
 * PostgreSQL's own tools, whose parameters are translated, and the URL of the Java driver, which is taken as it is.
 */
record PostgresAddress(
        String host, int port, String database, String user, String password, Map<String, String> parameters) {
    private static final String JDBC = "jdbc:postgresql:";
    private static final int DEFAULT_PORT = 5432;
    private static final int CONNECT_SECONDS = 10;
    private static final int SILENCE_SECONDS = 60;

    /** Names that PostgreSQL's own tools use for what the driver calls otherwise. */
    private static final Map<String, String> DRIVER_NAMES = Map.of(
            "application_name", "ApplicationName",
            "connect_timeout", "connectTimeout",
            "target_session_attrs", "targetServerType");

    PostgresAddress {
        parameters = Map.copyOf(parameters);
    }

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException when it is none; the message does not hold it, as it may hold a password
     */
    static PostgresAddress parse(String text) {
        if (text.startsWith(JDBC)) {
            return parseJdbc(text);
        }
        URI uri = uri(text);
        if (!"postgres".equals(uri.getScheme()) && !"postgresql".equals(uri.getScheme())) {
            throw new IllegalArgumentException("must begin with postgres://, postgresql:// or jdbc:postgresql://");
        }
        if (uri.getHost() == null) {
            throw new IllegalArgumentException("must name one host; sockets and lists of hosts are not supported");
        }
        String[] login = (uri.getRawUserInfo() == null ? "" : uri.getRawUserInfo()).split(":", 2);
        String user = decoded(login[0]);
        return new PostgresAddress(
                uri.getHost(),
                uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort(),
                database(uri, user),
                user,
                login.length > 1 ? decoded(login[1]) : "",
                parameters(uri.getRawQuery()));
    }

    private static URI uri(String text) {
        try {
            return new URI(text);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("is not a URL: " + e.getReason() + " at position " + e.getIndex(), e);
        }
    }

    private static String database(URI uri, String user) {
        String path = uri.getRawPath();
        return path == null || path.length() < 2 ? user : decoded(path.substring(1));
    }

    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String pair : (query == null ? "" : query).split("&")) {
            String[] parts = pair.split("=", 2);
            if (parts.length == 2) {
                String name = decoded(parts[0]);
                parameters.put(DRIVER_NAMES.getOrDefault(name, name), driverValue(name, decoded(parts[1])));
            }
        }
        return parameters;
    }

    private static String driverValue(String name, String value) {
        boolean writable = name.equals("target_session_attrs") && value.equals("read-write");
        return writable ? "primary" : value;
    }

    /** Percent escapes alone: a plus sign is a plus sign here. */
    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("has a broken percent escape", e);
        }
    }

    private static PostgresAddress parseJdbc(String text) {
        Properties parsed = Driver.parseURL(text, null);
        if (parsed == null) {
            throw new IllegalArgumentException("is not a URL of the PostgreSQL driver");
        }
        Map<String, String> parameters = new LinkedHashMap<>();
        parsed.stringPropertyNames().forEach(name -> parameters.put(name, parsed.getProperty(name)));
        String user = taken(parameters, "user", "");
        return new PostgresAddress(
                taken(parameters, "PGHOST", "localhost"),
                Integer.parseInt(taken(parameters, "PGPORT", String.valueOf(DEFAULT_PORT))),
                taken(parameters, "PGDBNAME", user),
                user,
                taken(parameters, "password", ""),
                parameters);
    }

    private static String taken(Map<String, String> parameters, String name, String otherwise) {
        String value = parameters.remove(name);
        return value == null ? otherwise : value;
    }

    /** Opens connections there, unpooled, that give up on a silent server. */
    DataSource dataSource() {
        return dataSource(SILENCE_SECONDS);
    }

    /** The same with another patience for a server that is silent in the middle of a call. */
    DataSource dataSource(int silenceSeconds) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {host});
        source.setPortNumbers(new int[] {port});
        source.setDatabaseName(database);
        source.setUser(user);
        source.setPassword(password);
        source.setApplicationName("sandlot");
        source.setTcpKeepAlive(true);
        source.setConnectTimeout(CONNECT_SECONDS);
        source.setSocketTimeout(silenceSeconds);
        parameters.forEach((name, value) -> set(source, name, value));
        return source;
    }

    private static void set(PGSimpleDataSource source, String name, String value) {
        try {
            source.setProperty(name, value);
        } catch (java.sql.SQLException e) {
            throw new StoreException("the address of PostgreSQL has a parameter \"" + name + "\" that is not known", e);
        }
    }

    /** Without password and parameters. */
    @Override
    public String toString() {
        return "PostgreSQL database " + database + " at " + host + ":" + port;
    }
}

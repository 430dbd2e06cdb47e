package dev.sandlot.envd;

import dev.sandlot.protocol.SandboxId;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What an envd in a guest is started with: flags ({@code --port 1}), else variables ({@code SANDLOT_ENVD_PORT=1}), else
 * what is built in. The access token is none of it: it comes by {@code /init}, where no process list shows it.
 *
 * @param runDirectory where the supervisor's socket is, and what is remembered across restarts
 */
record GuestSettings(InetSocketAddress address, EnvdConfig config, Path runDirectory) {
    private static final String VARIABLE_PREFIX = "SANDLOT_ENVD_";
    private static final String ENV = "env";
    private static final int MAX_PORT = 65535;
    private static final Map<String, String> DEFAULTS = new TreeMap<>(Map.of(
            "host", "0.0.0.0",
            "port", "49983",
            "user", "root",
            "workdir", "",
            "sandbox-id", "guest",
            "template-id", "base",
            "run-dir", "/run/sandlot"));

    /** Settings that cannot be read; the message has one line for each. */
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1L;

        Wrong(List<String> problems) {
            super(String.join("\n", problems));
        }
    }

    /** Reads the settings; all problems are told at once. */
    static GuestSettings of(List<String> arguments, Map<String, String> environment) throws Wrong {
        return new Reader().read(arguments, environment);
    }

    /** The lines that explain the flags. */
    static String usage() {
        StringBuilder text = new StringBuilder("usage: envd [--env NAME=VALUE]...");
        DEFAULTS.forEach((name, value) -> text.append(" [--")
                .append(name)
                .append(' ')
                .append(value.isEmpty() ? "PATH" : value)
                .append(']'));
        return text.append("\nor as variables, such as ")
                .append(variable("port"))
                .toString();
    }

    /** The socket of the supervisor. */
    Path supervisorSocket() {
        return runDirectory.resolve("supervisor.sock");
    }

    private static String variable(String name) {
        return VARIABLE_PREFIX + name.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    private static final class Reader {
        private final List<String> problems = new ArrayList<>();
        private final Map<String, String> values = new HashMap<>(DEFAULTS);
        private final Map<String, String> variables = new HashMap<>();

        GuestSettings read(List<String> arguments, Map<String, String> environment) throws Wrong {
            readEnvironment(environment);
            readFlags(arguments);
            int port = checked("port", Reader::port, 1);
            SandboxId id = checked("sandbox-id", SandboxId::new, new SandboxId("guest"));
            EnvdConfig config =
                    new EnvdConfig(id, value("template-id"), variables, null, value("user"), value("workdir"));
            InetSocketAddress address = new InetSocketAddress(value("host"), port);
            if (address.isUnresolved()) {
                problems.add("host: no address of that name: " + value("host"));
            }
            if (!problems.isEmpty()) {
                throw new Wrong(problems);
            }
            return new GuestSettings(address, config, Path.of(value("run-dir")).toAbsolutePath());
        }

        private String value(String name) {
            return values.getOrDefault(name, "");
        }

        private void readEnvironment(Map<String, String> environment) {
            Set<String> known = new TreeSet<>();
            for (String name : DEFAULTS.keySet()) {
                known.add(variable(name));
                values.computeIfPresent(name, (key, value) -> environment.getOrDefault(variable(key), value));
            }
            environment.keySet().stream()
                    .filter(name -> name.startsWith(VARIABLE_PREFIX) && !known.contains(name))
                    .forEach(name -> problems.add(name + ": no such setting"));
        }

        private void readFlags(List<String> arguments) {
            Iterator<String> rest = arguments.iterator();
            while (rest.hasNext()) {
                String flag = rest.next();
                String name = flag.startsWith("--") ? flag.substring(2) : "";
                if (!name.equals(ENV) && !DEFAULTS.containsKey(name)) {
                    problems.add(flag + ": no such flag");
                } else if (!rest.hasNext()) {
                    problems.add(flag + ": needs a value");
                } else if (name.equals(ENV)) {
                    addVariable(rest.next());
                } else {
                    values.put(name, rest.next());
                }
            }
        }

        private void addVariable(String assignment) {
            int equals = assignment.indexOf('=');
            if (equals <= 0) {
                problems.add("--env: not NAME=VALUE: " + assignment);
            } else {
                variables.put(assignment.substring(0, equals), assignment.substring(equals + 1));
            }
        }

        private <T> T checked(String name, Function<String, T> parser, T otherwise) {
            try {
                return parser.apply(value(name));
            } catch (IllegalArgumentException e) {
                problems.add(name + ": " + e.getMessage());
                return otherwise;
            }
        }

        private static int port(String text) {
            int port = text.matches("\\d{1,5}") ? Integer.parseInt(text) : -1;
            if (port < 0 || port > MAX_PORT) {
                throw new IllegalArgumentException("not a port: " + text);
            }
            return port;
        }
    }
}

package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The TCP ports on which something listens in the network of a process, as {@code /proc/PID/net} tells them. */
public final class ListeningPorts {
    private static final String LISTEN = "0A";
    private static final int LOCAL_ADDRESS = 1;
    private static final int STATE = 3;
    private static final int HEX = 16;

    private ListeningPorts() {}

    /** Of IPv4 and IPv6, on whatever address. */
    public static Set<Integer> of(int pid) throws IOException {
        Path network = Path.of("/proc/" + pid + "/net");
        Set<Integer> ports = new HashSet<>(in(ProcFile.lines(network.resolve("tcp"))));
        ports.addAll(in(ProcFile.lines(network.resolve("tcp6"))));
        return ports;
    }

    /** Those of one table: a line of titles, then one for each socket. */
    static Set<Integer> in(List<String> table) throws IOException {
        Set<Integer> ports = new HashSet<>();
        for (String line : table.subList(Math.min(1, table.size()), table.size())) {
            String[] fields = line.strip().split("\\s+");
            if (fields.length <= STATE) {
                throw new IOException("not a line of a table of sockets: " + line);
            }
            if (fields[STATE].equals(LISTEN)) {
                ports.add(port(fields[LOCAL_ADDRESS]));
            }
        }
        return ports;
    }

    private static int port(String address) throws IOException {
        try {
            return Integer.parseInt(address.substring(address.indexOf(':') + 1), HEX);
        } catch (NumberFormatException e) {
            throw new IOException("not an address of a socket: " + address, e);
        }
    }
}

package dev.sandlot.runtime;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The name server that sandboxes' questions are sent on to. */
final class Upstream {
    private static final Path[] SOURCES = {Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf")};
    private static final String PUBLIC = "8.8.8.8";
    private static final String KEY = "nameserver ";

    private Upstream() {}

    /** The machine's first IPv4 name server that is not on its loopback, else a public one. */
    static String find() throws IOException {
        for (Path source : SOURCES) {
            if (Files.isReadable(source)) {
                Optional<String> found = in(Files.readAllLines(source));
                if (found.isPresent()) {
                    return found.get();
                }
            }
        }
        return PUBLIC;
    }

    static Optional<String> in(List<String> lines) {
        return lines.stream()
                .map(line -> line.replace('\t', ' ').strip())
                .filter(line -> line.startsWith(KEY))
                .flatMap(line -> usable(line.substring(KEY.length()).strip()))
                .findFirst();
    }

    private static Stream<String> usable(String text) {
        try {
            InetAddress address = InetAddress.ofLiteral(text);
            boolean usable = address instanceof Inet4Address && !address.isLoopbackAddress();
            return usable && !address.isAnyLocalAddress() ? Stream.of(address.getHostAddress()) : Stream.empty();
        } catch (IllegalArgumentException e) {
            return Stream.empty();
        }
    }
}

package dev.sandlot.app;

import dev.sandlot.control.StoreException;
import dev.sandlot.control.StoreLocation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks, before a start does anything that takes long, whether the ports are free and the store answers. The image
 * registry's own port may be taken: it is served on the API's as well.
 */
final class StartCheckup {
    private final LoadedSettings loaded;

    StartCheckup(LoadedSettings loaded) {
        this.loaded = loaded;
    }

    /** @throws CommandException with everything that is in the way, each with the setting that would change it */
    void require() {
        List<String> problems = problems();
        if (!problems.isEmpty()) {
            throw new CommandException(
                    ExitCode.FAILED, "the server cannot start:\n  - " + String.join("\n  - ", problems));
        }
    }

    private List<String> problems() {
        List<String> problems = new ArrayList<>();
        addAddress(problems);
        if (problems.isEmpty()) {
            addPorts(problems);
        }
        addStore(problems);
        return problems;
    }

    private void addAddress(List<String> problems) {
        String address = loaded.settings().listen().address();
        try {
            bind(0);
        } catch (IOException e) {
            problems.add("cannot listen on " + address + ": " + e.getMessage() + loaded.remedy(Setting.LISTEN_ADDRESS));
        }
    }

    private void addPorts(List<String> problems) {
        Map<Integer, Setting> seen = new LinkedHashMap<>();
        ports().forEach((setting, port) -> {
            Setting other = port == 0 ? null : seen.putIfAbsent(port, setting);
            if (other != null) {
                problems.add(
                        "port " + port + " is both " + other.key() + " and " + setting.key() + loaded.remedy(setting));
            } else if (setting != Setting.REGISTRY_PORT) {
                addTaken(problems, setting, port);
            }
        });
    }

    private Map<Setting, Integer> ports() {
        Settings.Listen listen = loaded.settings().listen();
        Map<Setting, Integer> ports = new EnumMap<>(Map.of(
                Setting.API_PORT, listen.apiPort(),
                Setting.TRAFFIC_PORT, listen.trafficPort(),
                Setting.DEBUG_PORT, listen.debugPort()));
        if (loaded.settings().registry().enabled()) {
            ports.put(Setting.REGISTRY_PORT, loaded.settings().registry().port());
        }
        return ports;
    }

    private void addTaken(List<String> problems, Setting setting, int port) {
        try {
            bind(port);
        } catch (IOException e) {
            String holder = PortHolder.find(port)
                    .map(process -> "is taken by " + process)
                    .orElse("cannot be had: " + e.getMessage());
            problems.add("port " + port + " of " + loaded.settings().listen().address() + " " + holder
                    + loaded.remedy(setting));
        }
    }

    private void bind(int port) throws IOException {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(
                    InetAddress.getByName(loaded.settings().listen().address()), port));
        }
    }

    /** A file is opened next, and to look at it is to read all of it. */
    private void addStore(List<String> problems) {
        if (loaded.settings().store() instanceof StoreLocation.SqliteFile) {
            return;
        }
        try {
            var _ = loaded.settings().store().look();
        } catch (StoreException e) {
            problems.add(e.getMessage() + remedies());
        }
    }

    private String remedies() {
        return switch (loaded.settings().store()) {
            case StoreLocation.Postgres _ -> loaded.remedy(Setting.DATABASE_URL);
            case StoreLocation.Supabase _ -> loaded.remedy(Setting.SUPABASE_URL) + loaded.remedy(Setting.SUPABASE_KEY);
            case StoreLocation.SqliteFile _, StoreLocation.Memory() -> "";
        };
    }
}

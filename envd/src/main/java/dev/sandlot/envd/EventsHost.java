package dev.sandlot.envd;

import dev.sandlot.linux.LinuxException;
import java.util.Arrays;
import java.util.List;

/** The line of {@code /etc/hosts} under which a sandbox finds the address for its events (envd.md 8.2). */
final class EventsHost {
    private static final String NAME = "events.e2b.local";

    private final SystemFile hosts;

    EventsHost(SandboxFiles files) {
        this.hosts = new SystemFile(files, "/etc/hosts");
    }

    /** Leads the name to an address, in place of what it led to. */
    void leadTo(String address) throws LinuxException {
        String before = hosts.text();
        String after = rewritten(before, address);
        if (!after.equals(before)) {
            hosts.replace(after);
        }
    }

    /** The text with one line for the name; every other name, comment and empty line stays. */
    static String rewritten(String text, String address) {
        StringBuilder out = new StringBuilder(text.length() + address.length() + NAME.length() + 3);
        for (String line : text.lines().toList()) {
            String kept = withoutName(line);
            if (!kept.isEmpty() || line.isEmpty()) {
                out.append(kept).append('\n');
            }
        }
        return out.append(address).append('\t').append(NAME).append('\n').toString();
    }

    private static String withoutName(String line) {
        int comment = line.indexOf('#');
        String entry = comment < 0 ? line : line.substring(0, comment);
        List<String> fields = Arrays.asList(entry.strip().split("\\s+"));
        if (fields.lastIndexOf(NAME) < 1) {
            return line;
        }
        List<String> left = fields.stream().filter(field -> !field.equals(NAME)).toList();
        String rest = comment < 0 ? "" : line.substring(comment);
        return left.size() > 1 ? (String.join(" ", left) + " " + rest).strip() : rest;
    }
}

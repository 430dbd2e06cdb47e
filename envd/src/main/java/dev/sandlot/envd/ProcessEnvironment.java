package dev.sandlot.envd;

import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Puts together the variables of a process; later layers win (envd.md 7.4). */
final class ProcessEnvironment {
    static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private ProcessEnvironment() {}

    static Map<String, String> of(Account user, Map<String, String> sandbox, Map<String, String> request)
            throws ConnectException {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("PATH", PATH);
        all.put("HOME", user.home());
        all.put("USER", user.name());
        all.put("LOGNAME", user.name());
        all.putAll(sandbox);
        all.putAll(request);
        for (Map.Entry<String, String> variable : all.entrySet()) {
            check(variable.getKey(), variable.getValue());
        }
        return all;
    }

    private static void check(String name, String value) throws ConnectException {
        if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0 || value.indexOf('\0') >= 0) {
            throw new ConnectException(
                    ConnectCode.INVALID_ARGUMENT, "invalid environment variable '" + name.replace('\0', '?') + "'");
        }
    }
}

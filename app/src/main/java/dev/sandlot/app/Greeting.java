package dev.sandlot.app;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/** What {@code up} tells its user: where the server is, and lines to paste. */
final class Greeting {
    private final PrintStream out;
    private final boolean json;

    Greeting(PrintStream out, boolean json) {
        this.out = out;
        this.json = json;
    }

    void started(Instance.Serving serving, Optional<Instance.Access> access, Duration took) {
        String time = String.format(Locale.ROOT, "%.1f s", took.toMillis() / 1000.0);
        tell(
                "Sandlot " + serving.version() + " serves on " + serving.api() + " (ready in " + time + ").",
                serving,
                access);
        if (!json) {
            out.println("Ctrl-C stops the server; its sandboxes go on until `sandlot down`.");
        }
    }

    void startedInBackground(Instance.Serving serving, Optional<Instance.Access> access, Path log) {
        tell(
                "Sandlot " + serving.version() + " serves on " + serving.api() + ", process "
                        + serving.process().pid() + ", log " + log + ".",
                serving,
                access);
        if (!json) {
            out.println("`sandlot down` stops it and ends its sandboxes.");
        }
    }

    void alreadyRunning(Instance.Serving serving, Optional<Instance.Access> access) {
        tell(
                "Sandlot " + serving.version() + " runs already: " + serving.api() + ", process "
                        + serving.process().pid() + ".",
                serving,
                access);
    }

    private void tell(String headline, Instance.Serving serving, Optional<Instance.Access> access) {
        if (json) {
            out.println(new JsonMapper().writeValueAsString(asMap(serving, access)));
            out.flush();
            return;
        }
        out.println(headline);
        access.ifPresent(this::examples);
        out.flush();
    }

    private void examples(Instance.Access access) {
        out.println();
        EnvCommand.exports(access).forEach(line -> out.println("  " + line));
        out.println("""

                JavaScript (npm i e2b), hello.mjs:
                  import { Sandbox } from 'e2b'
                  const sandbox = await Sandbox.create()
                  const result = await sandbox.commands.run('echo "hello from $(hostname)"')
                  console.log(result.stdout)
                  await sandbox.kill()

                Python (pip install e2b), hello.py:
                  from e2b import Sandbox
                  sandbox = Sandbox.create()
                  print(sandbox.commands.run('echo "hello from $(hostname)"').stdout)
                  sandbox.kill()
                """);
    }

    private static Map<String, Object> asMap(Instance.Serving serving, Optional<Instance.Access> access) {
        Map<String, Object> map = addresses(serving);
        access.ifPresent(found -> {
            map.put("apiKey", found.apiKey());
            map.put("apiUrl", found.apiUrl().toString());
            map.put("sandboxUrl", found.sandboxUrl().toString());
            map.put("sandboxDomain", Objects.requireNonNullElse(found.sandboxDomain(), ""));
        });
        return map;
    }

    /** The process and where it answers, without secrets. */
    static Map<String, Object> addresses(Instance.Serving serving) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("pid", serving.process().pid());
        map.put("version", serving.version());
        map.put("api", serving.api().toString());
        map.put("traffic", serving.traffic().toString());
        map.put("debug", serving.debug().toString());
        return map;
    }
}

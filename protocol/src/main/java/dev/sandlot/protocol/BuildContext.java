package dev.sandlot.protocol;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What travels from one step of a build to the next, and from a template to those built on it (template-build.md 9).
 *
 * @param user who runs commands
 * @param workdir where they run; empty for the user's home
 * @param env variables of build steps and of start and ready commands; in the order they were set
 */
public record BuildContext(String user, String workdir, Map<String, String> env) {
    public BuildContext {
        env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
    }

    /** With other variables added; a name that is there already gets the new value. */
    public BuildContext withEnv(Map<String, String> more) {
        Map<String, String> merged = new LinkedHashMap<>(env);
        merged.putAll(more);
        return new BuildContext(user, workdir, merged);
    }

    /** With another working directory. */
    public BuildContext withWorkdir(String other) {
        return new BuildContext(user, other, env);
    }

    /** With another user. */
    public BuildContext withUser(String other) {
        return new BuildContext(other, workdir, env);
    }
}

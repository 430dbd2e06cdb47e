package dev.sandlot.builds;

import java.io.IOException;
import java.nio.file.Path;

/** Puts uploaded files in place (template-build.md 5.5 and 6). */
public interface FileCopy {
    /**
     * What to copy.
     *
     * @param archive the upload: tar, plain or compressed by gzip; hostile
     * @param source as the step has it, globs and all
     * @param target as the step has it
     * @param owner {@code user}, {@code user:group}, or empty for the context's user
     * @param mode octal digits, or empty to keep modes
     * @param user the context's user, as USER has it
     * @param workdir the context's directory; empty for the user's home
     */
    record Request(
            Path archive, String source, String target, String owner, String mode, String user, String workdir) {}

    /**
     * Copies into a sandbox.
     *
     * @throws BuildFailure without a step, with a message for the user, when the archive or the request is to blame
     */
    void copy(Request request, WorkSandbox sandbox) throws BuildFailure, IOException, InterruptedException;
}

package dev.sandlot.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One way to run sandboxes on this machine. Safe for any number of threads; calls block, so that they belong on
 * virtual threads.
 *
 * <p>A sandbox is running from the return of {@link #start} until {@link #kill}, or until it ends by itself. Closing
 * the runtime leaves sandboxes running: the next one opened over the same directories takes them over.
 */
public interface SandboxRuntime extends AutoCloseable {
    /**
     * Starts a sandbox and returns once its supervisor answers. A failure leaves nothing behind.
     *
     * @throws RuntimeFailure with what could not be done and why
     */
    RunningSandbox start(RuntimeSpec spec) throws RuntimeFailure;

    /** The running sandbox of an ID. */
    Optional<RunningSandbox> find(String id);

    /** All running sandboxes, those that were taken over included. */
    List<RunningSandbox> running();

    /**
     * Ends a sandbox and removes what it had; its processes are gone when this returns.
     *
     * @return false when there is no such sandbox
     */
    boolean kill(String id) throws RuntimeFailure;

    /**
     * Ends a sandbox and hands over what it has changed: the upper directory of its overlay, without the files that
     * every sandbox is given at its start. Owners are still those of this machine. No process of it runs any more when
     * this returns; what else it had is given back in the background.
     *
     * @param target an empty directory, on the file system of the runtime's data, that becomes the upper directory
     * @throws RuntimeFailure when there is no such sandbox, when somebody else is ending it, or when its files could
     *     not be moved; it has ended then all the same
     */
    void harvest(String id, Path target) throws RuntimeFailure;

    /** What this runtime is and has. */
    RuntimeStatus status();

    /** What is left on the machine that belongs to no running sandbox. */
    List<Leak> leaks();

    /**
     * From now on no sandbox is ended here, also when its supervisor's connection closes: to be called before what uses
     * these connections closes them.
     */
    void keepAll();

    /** Lets go of all sandboxes without ending them. */
    @Override
    void close();
}

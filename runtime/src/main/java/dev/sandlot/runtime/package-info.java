/**
 * Runs sandboxes: {@link dev.sandlot.runtime.SandboxRuntime} and its kinds. The kind {@code oci} starts them through
 * an OCI runtime program with a prepared user and network namespace (a slot), an overlay root that no other mount
 * namespace ever sees, control groups and a supervisor as PID 1.
 *
 * <p>What a sandbox has on the machine is written down before it is made, found again after a crash, and removed with
 * it.
 */
@NullMarked
package dev.sandlot.runtime;

import org.jspecify.annotations.NullMarked;

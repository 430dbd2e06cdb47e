/**
 * The service of one sandbox's files and processes, over two seams: its root directory
 * ({@link dev.sandlot.envd.SandboxFiles}) and its supervisor. Nothing here knows who made the sandbox, and no path
 * of the sandbox ever becomes a path of this machine.
 */
@NullMarked
package dev.sandlot.envd;

import org.jspecify.annotations.NullMarked;

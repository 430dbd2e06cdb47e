/**
 * Template builds (template-build.md): from a plan to a stack of layers. A build is a sandbox plus commits: for each
 * step that is not in the cache, a sandbox over the layers so far, what the step does in it, and what changed as the
 * next layer.
 *
 * <p>{@link dev.sandlot.builds.Workshop} is how builds come by sandboxes: the node has them.
 */
@NullMarked
package dev.sandlot.builds;

import org.jspecify.annotations.NullMarked;

/**
 * The node agent: runs sandboxes, hosts their envd, and carries traffic to the ports inside them.
 */
@NullMarked
package dev.sandlot.node;

import org.jspecify.annotations.NullMarked;

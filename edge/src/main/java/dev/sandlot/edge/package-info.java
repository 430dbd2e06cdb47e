/**
 * The front door: the listeners of the program, and the decision for each request whether the API or a port of a
 * sandbox is meant (platform.md 14). Jetty carries HTTP/1.1 and HTTP/2; nothing outside this package sees Jetty.
 *
 * <p>Threads: Jetty's few platform threads accept, select and parse; every exchange runs on a virtual thread of
 * its own, which may block.
 */
@NullMarked
package dev.sandlot.edge;

import org.jspecify.annotations.NullMarked;

/**
 * The wire: messages of the process and file services, the Connect protocol's codec, the records of the REST API,
 * identifiers and names, the small HTTP exchange that every server of ours is written against, and the seam
 * between the control plane and its nodes. Pure: no sockets, no files.
 */
@NullMarked
package dev.sandlot.protocol;

import org.jspecify.annotations.NullMarked;

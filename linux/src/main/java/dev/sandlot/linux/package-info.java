/**
 * The Linux kernel from Java, by the foreign function interface: descriptors, files resolved with
 * {@code openat2}, mounts and identity maps, namespaces, control groups, sockets that pass descriptors, epoll,
 * inotify, processes.
 *
 * <p>Every call that fails throws {@link dev.sandlot.linux.LinuxException} with the errno, the call and its
 * subject. Every handle of the kernel is an {@link dev.sandlot.linux.Fd} that its owner closes. Calls that may
 * block belong on platform threads.
 */
@NullMarked
package dev.sandlot.linux;

import org.jspecify.annotations.NullMarked;

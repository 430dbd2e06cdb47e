/**
 * The node agent: it runs sandboxes through a {@link dev.sandlot.runtime.SandboxRuntime}, hosts the file and
 * process service of each, and takes their traffic. The control plane knows it only as
 * {@link dev.sandlot.protocol.NodeService}, the front door only as {@link dev.sandlot.protocol.SandboxTraffic}.
 */
@NullMarked
package dev.sandlot.node;

import org.jspecify.annotations.NullMarked;

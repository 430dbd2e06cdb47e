/**
 * The control plane: the REST API of E2B's contract, keys and teams, template names, the life of every sandbox
 * from its start to its end, and the store behind them.
 *
 * <p>A request passes {@link dev.sandlot.control.ApiHandler} (CORS, routing, authentication, JSON) to an endpoint,
 * which asks {@link dev.sandlot.control.Lifecycle}. Nodes are known only through
 * {@link dev.sandlot.protocol.NodeService}. Memory holds what runs and answers every read; the store is the truth
 * after a restart.
 */
@NullMarked
package dev.sandlot.control;

import org.jspecify.annotations.NullMarked;

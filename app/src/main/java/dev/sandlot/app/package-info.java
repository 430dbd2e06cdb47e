/**
 * The program: the command line, the settings, what this machine can do ({@code doctor}), and the place where the
 * parts are put together. A command is a class named after it; the server itself comes in through
 * {@link dev.sandlot.app.ServerProgram} and what it leaves on the machine through
 * {@link dev.sandlot.app.Housekeeping}, so that every command can be tested without a sandbox.
 */
@NullMarked
package dev.sandlot.app;

import org.jspecify.annotations.NullMarked;

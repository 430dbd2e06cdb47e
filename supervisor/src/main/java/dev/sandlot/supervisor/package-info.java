/**
 * The client of the supervisor, the small native program that is PID 1 of every sandbox. The program itself is in
 * {@code src/main/c}; its wire format is written down in {@code protocol.h} there and in {@code Wire} here.
 */
@NullMarked
package dev.sandlot.supervisor;

import org.jspecify.annotations.NullMarked;

package dev.sandlot.builds;

import dev.sandlot.images.LocalImages;
import dev.sandlot.images.PushedImages;

/**
 * Images for which no other registry is asked.
 *
 * @param pushed those of this server's own registry, one for each build
 * @param local those that an operator brought in, by their names
 */
public record OwnImages(PushedImages pushed, LocalImages local) {}

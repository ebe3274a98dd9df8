/* wall.h - a network of one's own that is nothing but loopback, where the kernel allows it.
 *
 * Use        wall_build() before the first thread and the first child; they are inside, too.
 *            wall_attempts() says how often somebody inside tried to get out.
 * Promise    Built, nothing inside reaches anything outside, whatever a configuration says. Ports
 *            are one's own.
 * Limits     Needs root, or user namespaces that are open to everybody; many containers have
 *            neither. namespaces(7) */
#ifndef USHER_WALL_H
#define USHER_WALL_H

#include "fault.h"

#include <stdint.h>

/* OK; DENIED: the kernel does not allow it, and nothing has changed; IO: half of it was done, and
 * nothing works any more in this process. */
enum fault wall_build(void) NODISCARD;

/* Packets that had nowhere to go, from names that were looked up to connections; -1: not known. */
int64_t wall_attempts(void);

#endif

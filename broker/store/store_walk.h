/* store_walk.h - every pair of a store that another process may have open.
 *
 * Use        store_walk(folder, each, self): tables in the order of their names, keys in theirs.
 * Promise    One snapshot, read-only: the owner goes on writing (its freed pages are not reused
 *            meanwhile). Every page in use is read; keys out of order, or a count that is not that
 *            of the table, are FAULT_CORRUPT.
 *            LMDB trusts its pages: a store damaged badly enough can end the process by a signal,
 *            so that who looks for damage does it in a child.
 * Ownership  Names, keys and values are borrowed until `each` returns; false ends the walk.
 * Faults     NOT_FOUND (no store there), CORRUPT, IO. */
#ifndef USHER_STORE_WALK_H
#define USHER_STORE_WALK_H

#include "digest.h"
#include "fault.h"

#include <stdbool.h>

typedef bool store_walk_each(void *self, const char *table, struct slice key, struct slice value);
enum fault store_walk(const char *folder, store_walk_each *each, void *self) NODISCARD;

#endif

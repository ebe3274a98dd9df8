/* store_image.h - what a store holds, taken from outside: for `verify` and `rebuild`.
 *
 * Use        store_image_take() walks the whole store in a child process, because a damaged one may
 *            end its reader by a signal; store_image_compare() says what differs between two.
 * Promise    Only reads; the store may be in use.
 * Ownership  Embedded: store_image_fini().
 * Limits     Keys and hashes are kept, values are not. */
#ifndef USHER_STORE_IMAGE_H
#define USHER_STORE_IMAGE_H

#include "buf.h"
#include "digest.h"
#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

struct store_image {
    struct buf records; /* (table, key, hash of the value), in order */
    uint64_t pairs;
    uint64_t tables;
    uint64_t cursor;              /* of the actor's skeleton, 0: none */
    uint8_t digest[SHA256_BYTES]; /* over what the actor keeps, the skeleton's tables apart */
};

/* NOT_FOUND: no store there. CORRUPT: damaged. */
enum fault store_image_take(const char *folder, struct store_image *image) NODISCARD;
void store_image_fini(struct store_image *image);

/* Pairs that are in one only, or differ; the first few as lines in `report`. The skeleton's own
 * tables (cursor, outbox) do not count. */
uint64_t store_image_compare(const struct store_image *before, const struct store_image *after,
                             struct buf *report);

/* Keys of one table that were there before and are not any more; the first few in `report`. */
uint64_t store_image_missing(const struct store_image *before, const struct store_image *after,
                             const char *table, struct buf *report);

#endif

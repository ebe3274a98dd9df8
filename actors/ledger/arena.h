/* arena.h - memory that lives as long as one computation.
 *
 * Use        struct arena a = {0}; arena_alloc(&a, n); ...; arena_fini(&a).
 * Ownership  Embedded; arena_fini frees all that was given out. Memory comes zeroed. */
#ifndef USHER_ARENA_H
#define USHER_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t bytes);
/* A copy of `len` bytes with a NUL behind them. "" is shared, never NULL. */
const char *arena_text(struct arena *arena, const char *bytes, size_t len);
const char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_fini(struct arena *arena);

#endif

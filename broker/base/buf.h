/* buf.h - a growable run of bytes.
 *
 * Use        struct buf b = {0}; buf_add(&b, ...); ...; buf_fini(&b).
 *            buf_reset keeps the memory for the next use.
 * Ownership  Embedded: the caller owns the struct, buf_fini frees what it holds. */
#ifndef USHER_BUF_H
#define USHER_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *bytes;
    size_t len;
    size_t capacity;
};

void buf_fini(struct buf *buf);
void buf_reset(struct buf *buf);

/* Room for `more` further bytes at the end; returns where they go. Does not change len. */
uint8_t *buf_room(struct buf *buf, size_t more);

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as text: puts a NUL behind it, not counted in len. */
const char *buf_text(struct buf *buf);

#endif

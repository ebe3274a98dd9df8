#include "buf.h"

#include "must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_BYTES_MIN = 256 };

void buf_fini(struct buf *buf)
{
    free(buf->bytes);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
}

uint8_t *buf_room(struct buf *buf, size_t more)
{
    MUST(more <= SIZE_MAX / 2 - buf->len);
    size_t need = buf->len + more;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : CAPACITY_BYTES_MIN;
        while (capacity < need) {
            capacity *= 2;
        }
        buf->bytes = must_realloc(buf->bytes, capacity);
        buf->capacity = capacity;
    }
    return buf->bytes + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len) {
        memcpy(buf_room(buf, len), bytes, len);
        buf->len += len;
    }
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    MUST(len >= 0);
    vsnprintf((char *)buf_room(buf, (size_t)len + 1), (size_t)len + 1, format, again);
    buf->len += (size_t)len;
    va_end(again);
    va_end(args);
}

const char *buf_text(struct buf *buf)
{
    *buf_room(buf, 1) = '\0';
    return (const char *)buf->bytes;
}

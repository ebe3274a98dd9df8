/* zpl.h - a ZPL text as its lines: names, values, how deep, and where they stand.
 *
 * Use        For files whose sections are not known beforehand (a mapping of event types), where
 *            settings.h with its table of rows does not fit:
 *            zpl_parse(); for (i = zpl_child(&zpl, ZPL_TOP); i; i = zpl_next(&zpl, i)) ...;
 *            zpl_fini().
 * Format     rfc.zeromq.org/spec/4: a line is `name`, `name = value` or `name = "value"`, four
 *            spaces a level, # begins a comment. A name may hold a colon as well. A value may have
 *            lines below it.
 * Limits     ZPL_LINES_MAX lines, ZPL_DEPTH_MAX deep.
 * Ownership  Names and values live until zpl_fini().
 * Faults     CONFIG, with one line a mistake in `why` ("polar.cfg:12: ..."). */
#ifndef USHER_ZPL_H
#define USHER_ZPL_H

#include "buf.h"
#include "fault.h"

#include <stddef.h>

enum { ZPL_LINES_MAX = 4096, ZPL_DEPTH_MAX = 8 };
enum { ZPL_TOP = 0, ZPL_NONE = 0 }; /* line 0 is the file itself: nobody's child */

struct zpl_line {
    int number; /* in the file, from 1 */
    int depth;  /* 1 at the margin */
    const char *name;
    const char *value; /* NULL: none */
};

struct zpl {
    char *text;
    struct zpl_line *lines;
    size_t count;
};

/* `file` is the name in mistakes. On a fault the zpl holds nothing. */
enum fault zpl_parse(struct zpl *zpl, const char *file, const void *bytes, size_t len,
                     struct buf *why) NODISCARD;
void zpl_fini(struct zpl *zpl);

/* The first line below `parent`, and the next one beside `line`; ZPL_NONE at the end. */
size_t zpl_child(const struct zpl *zpl, size_t parent);
size_t zpl_next(const struct zpl *zpl, size_t line);

/* The line at a path of names ("crm/retry/first"), seen from `from`; where the last name stands
 * several times the n-th, from 0. ZPL_NONE if there is none, or nothing at all. */
size_t zpl_find(const struct zpl *zpl, size_t from, const char *path, size_t n);

#endif

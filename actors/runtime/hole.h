/* hole.h - {{placeholders}} in a text that a founder wrote: read, and filled in.
 *
 *   {{name}}         the value of that name
 *   {{name|words}}   the words where there is no value
 *
 * Use        hole_read() for whoever has rules of its own (mail templates). For JSON, URLs and
 *            headers: holes_check() once, holes_fill() for each call; pure, both of them. In JSON a
 *            placeholder within quotes becomes escaped text ("Hello {{name}}"), elsewhere a whole
 *            value ("tags": {{tags}}); in a URL it is percent-encoded; in a header, controls become
 *            blanks.
 * Promise    A body that was checked is JSON whatever the values are, as long as each is of the
 *            kind that its sample is of. A value never becomes anything but a value.
 * Ownership  A hole borrows from its text. */
#ifndef USHER_HOLE_H
#define USHER_HOLE_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>

enum { HOLES_TEXT_BYTES_MAX = 64 * 1024, HOLES_FILLED_BYTES_MAX = 256 * 1024 };

struct hole {
    char section; /* '#' begins one, '/' ends it; 0: a value */
    const char *name;
    size_t name_len;
    const char *fallback; /* NULL: none */
    size_t fallback_len;
    const char *behind; /* the first byte after }} */
};

/* `at` points at "{{". Returns what is wrong with it, or NULL. */
const char *hole_read(const char *at, struct hole *hole);
bool hole_is(const struct hole *hole, const char *name);

/* A value as people write it: a list is joined by commas. */
void holes_plain(const json_t *value, struct buf *out);

enum holes_kind { HOLES_JSON, HOLES_URL, HOLES_HEADER };

/* `sample` has a value of each name that may be used. One line in `why` for a mistake: "<file>:3:
 * ...", counted from `line`. */
bool holes_check(const char *text, enum holes_kind kind, const json_t *sample, const char *file,
                 int line, struct buf *why);

/* Appends the text with the values put in. FAULT_TOO_LARGE. */
enum fault holes_fill(const char *text, enum holes_kind kind, const json_t *values,
                      struct buf *out) NODISCARD;

#endif

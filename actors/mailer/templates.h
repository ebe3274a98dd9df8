/* templates.h - the set of templates of a home, re-read when a file changes.
 *
 * Use        templates_open() reads all of HOME/templates; templates_find() gives one, reading its
 *            files again if they have changed. A mistake made while running is logged once, and
 *            the words that were good before stay in use.
 * Faults     CONFIG with file and line in `why`. */
#ifndef USHER_TEMPLATES_H
#define USHER_TEMPLATES_H

#include "template.h"

struct templates;

enum { TEMPLATES_MAX = 64 };

enum fault templates_open(const char *home, struct templates **out, struct buf *why) NODISCARD;
void templates_close(struct templates **out);

/* Borrowed until the next call. NULL if there is none of that name. */
const struct template *templates_find(struct templates *templates, const char *name);

/* The name of one that is not transactional; NULL: all are. */
const char *templates_optional(const struct templates *templates);

#endif

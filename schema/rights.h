/* rights.h - may it? The rights table, asked.
 *
 * `name` is the ZAP user id: an actor's name, or "people/<who>" for a person (rights of "tools"). */
#ifndef USHER_RIGHTS_H
#define USHER_RIGHTS_H

#include "events.h"

#include <stdbool.h>

struct rights {
    const char *name;
    const char *kinds; /* separated by blanks */
    const char *reads;
    bool asks;
};

/* NULL if nobody of that name has rights. */
const struct rights *rights_of(const char *name);
const struct rights *rights_nth(size_t n);

/* True if `kind` is one of its kinds. */
bool rights_has_kind(const struct rights *rights, const char *kind);

bool rights_publish(const struct rights *rights, const struct event_type *type);
bool rights_read(const struct rights *rights, const char *type);

/* The id's prefix up to the first ':' is the publisher's to use. */
bool rights_id(const struct rights *rights, const char *id);

#endif

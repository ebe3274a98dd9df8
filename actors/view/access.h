/* access.h - who has access, as the web app is told it: one whole object, by pull, token and push.
 *
 * Use        access_answer() of a member's newest document. Pure.
 * Shape      {member, version, access, until, reason, features, state, asOf}. `version` only grows: a
 *            late answer is known by it and dropped. Features are the tags that hold, while access is
 *            on: they are what the rules call this membership.
 * Ownership  A new tree. */
#ifndef USHER_ACCESS_H
#define USHER_ACCESS_H

#include <jansson.h>
#include <stdint.h>

json_t *access_answer(const json_t *document, int64_t as_of_ms);

#endif

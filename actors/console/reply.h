/* reply.h - how requests are answered.
 *
 * Promise    Every object of the API carries as_of, fleet and partial. What a route marks as
 *            masked shows names and addresses only to who may see them. An answer that did not
 *            change is 304 (ETag over everything but as_of).
 * Ownership  Trees are taken. */
#ifndef USHER_REPLY_H
#define USHER_REPLY_H

#include "console.h"

void reply_json(const struct visit *visit, int status, json_t *tree);
/* The same with who did not answer (taken). */
void reply_partial(const struct visit *visit, json_t *tree, json_t *partial);
/* RFC 9457. `detail` may be NULL. */
void reply_problem(const struct visit *visit, int status, const char *title, const char *detail);
/* What a fault of ours means to who asked: 503 for what passes, 404, 409, ... */
void reply_fault(const struct visit *visit, enum fault fault);
/* 409 with what is so now, in plain words. */
void reply_conflict(const struct visit *visit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reply_redirect(const struct visit *visit, const char *to, const char *cookie);

/* May this visitor see names, addresses and what people wrote? */
bool reply_shows_names(const struct visit *visit);
/* A tree without what is private, if this visitor may not see it; in place. */
void reply_mask(const struct visit *visit, json_t *tree);

#endif

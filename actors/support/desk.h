/* desk.h - what the adapters of support desks share.
 *
 * Use        Requests: desk_check() the settings, desk_bearer() for a token, call_json() for a body.
 *            Outcomes: desk_step(), desk_done(), desk_no_answer(); desk_learn() keeps an id.
 * See        support.h (the payload) */
#ifndef USHER_DESK_H
#define USHER_DESK_H

#include "adapter.h"

/* support/url is one that may be called, and a key is given (`what` says which); else words. */
bool desk_check(const struct settings *settings, const char *what, struct buf *why);

enum fault desk_bearer(struct call *call, const char *token) NODISCARD;

/* An address that a desk can be asked for in quotes: none that could end them. */
bool desk_searchable(const char *email);
/* Is that tag in the list? */
bool desk_has(const json_t *tags, const json_t *tag);

void desk_step(struct verdict *verdict, int step);
void desk_done(struct verdict *verdict);
/* A good status, and a body that says nothing. */
void desk_no_answer(const char *desk, const struct answer *answer, struct verdict *verdict);
/* The object's id, a number or a text, under that name. */
void desk_learn(struct verdict *verdict, const char *name, const json_t *object);

#endif

/* desk.h - what the adapters of support desks share.
 *
 * Use        desk_check() the settings; desk_bearer() and call_json() for a request.
 *            Outcomes: desk_step(), desk_done(), desk_no_answer(); desk_learn() keeps an id.
 *            Making something where there is no idempotency key and lists may be behind:
 *            desk_make() keeps that it is begun (learned "creating"), desk_not_made() takes it
 *            back after a plain no, and a repeat that finds nothing asks desk_looked(): false the
 *            first time, when the job waits support/lag and looks again.
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
/* What was learned so far is kept before the step is made: a repeat must not choose anew. */
void desk_choose(struct verdict *verdict, int step);
void desk_make(struct verdict *verdict, int step);
void desk_not_made(const struct answer *answer, struct verdict *verdict);
bool desk_looked(const struct task *task, const char *desk, struct verdict *verdict);
void desk_done(struct verdict *verdict);
/* A good status, and a body that says nothing. */
void desk_no_answer(const char *desk, const struct answer *answer, struct verdict *verdict);
/* The object's id, a number or a text, under that name. */
void desk_learn(struct verdict *verdict, const char *name, const json_t *object);

#endif

/* gather.h - questions to other actors on behalf of a request, all at once.
 *
 * Use        gather_new(), gather_ask() for each, gather_go(). `finish` is called once, when all have
 *            answered or the time is over, and only if the request still waits. The broker is an
 *            actor that answers, too.
 *            What was asked by gather_alone() goes on until it is answered: `self` must live so long,
 *            or as long as the loop.
 * Promise    An actor that does not answer makes the answer partial, never late or absent.
 * Ownership  Takes question and context (json_decref); answers are borrowed until finish returns. */
#ifndef USHER_GATHER_H
#define USHER_GATHER_H

#include "console.h"

enum { GATHER_MAX = 12, GATHER_MS = 2000 };

struct gather;

/* `visit` is made anew for the request. context is what gather_new was given. */
typedef void gather_finish(struct visit *visit, const struct gather *gather, json_t *context);

struct gather *gather_new(const struct visit *visit, gather_finish *finish, json_t *context);
/* The same for nobody's request. */
typedef void gather_done(void *self, const struct gather *gather);
struct gather *gather_alone(struct console *console, gather_done *done, void *self);
void gather_ask(struct gather *gather, const char *actor, json_t *question);
void gather_go(struct gather **gather);

/* What an actor answered to its n-th question (from 0); NULL if it did not. */
const json_t *gather_answer(const struct gather *gather, const char *actor, size_t n);
/* OK, NOT_FOUND, UNAVAILABLE, TIMEOUT, ... */
enum fault gather_fault(const struct gather *gather, const char *actor, size_t n);
/* Who did not answer: a new array of names, each once. */
json_t *gather_partial(const struct gather *gather);

/* The actors that have jobs; ends with NULL. */
extern const char *const gather_effect_actors[];
/* Asks all of them for what fails; and what they said, as problem_views() has it (a new tree). */
void gather_problems(struct gather *gather);
json_t *gathered_problems(const struct gather *gather);

/* {"ask": word} */
json_t *gather_question(const char *word);

#endif

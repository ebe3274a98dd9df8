/* job_answers.h - jobs as the actors answer them, as the pages show them; and decisions on them. */
#ifndef USHER_JOB_ANSWERS_H
#define USHER_JOB_ANSWERS_H

#include "gather.h"

/* One job (a new tree) as schemas.json calls Job: times as text, its member's name, a sentence. */
json_t *job_answer(struct console *console, const json_t *job);

/* All jobs of an actor's answer to {"ask":"jobs"}: a new array. */
json_t *job_answers_of(struct console *console, const struct gather *gather, const char *actor);

/* An event for each key (texts), and {"done": n} when they are on their way. The visit's body has
 * the reason. */
void job_decide(struct visit *visit, const char *type, const char *actor, const json_t *keys);

/* The same for all jobs that fail like that one, if there are no more than the body's "count". */
void job_decide_like(struct visit *visit, const char *type, const char *actor, const char *key);

#endif

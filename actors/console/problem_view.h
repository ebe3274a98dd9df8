/* problem_view.h - a group of jobs with one cause, as a founder reads it. Pure.
 *
 * Use        problem_view() of each group that an effect actor answers to {"ask":"problems"}.
 * Promise    The id is that of the cause, which the engine gives: the same while the cause is. */
#ifndef USHER_PROBLEM_VIEW_H
#define USHER_PROBLEM_VIEW_H

#include <jansson.h>
#include <stdbool.h>

/* A new tree, as schemas.json calls Problem. */
json_t *problem_view(const json_t *group);

/* All groups of several answers, the serious ones first, then those with more jobs: a new array. */
json_t *problem_views(const json_t *const *answers, size_t count);

/* Does a person have to do something? */
bool problem_is_serious(const json_t *problem);

/* What to do about a job in that state; static. */
const char *problem_todo(const char *cause);

#endif

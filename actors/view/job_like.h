/* job_like.h - do two jobs fail for one cause? Pure.
 *
 * The same actor, kind, target and state, and the same error but for the numbers in it (a request
 * id, an object's id): "429 after 3 s" is like "429 after 7 s". */
#ifndef USHER_JOB_LIKE_H
#define USHER_JOB_LIKE_H

#include <jansson.h>
#include <stdbool.h>

bool job_is_like(const json_t *job, const json_t *other);

#endif

/* http_meaning.h - what an answer means, as somebody wrote it down: status codes, and where in its
 * JSON to look. Pure.
 *
 * Use        http_codes() for each list of codes, http_path() for each answer.
 * See        http_target.h; tests/fuzz/runtime/http_target.c */
#ifndef USHER_HTTP_MEANING_H
#define USHER_HTTP_MEANING_H

#include <jansson.h>
#include <stdint.h>

enum http_meaning { HTTP_USUAL, HTTP_DONE, HTTP_AGAIN, HTTP_NEVER, HTTP_REFUSED };
enum { HTTP_STATUS_MIN = 100, HTTP_STATUS_MAX = 599 };

/* "200-299 410": what is wrong with it, or NULL. A code that has another meaning already is. */
const char *http_codes(const char *text, enum http_meaning meaning,
                       uint8_t meanings[HTTP_STATUS_MAX + 1]);

/* "result.contact.0.id": borrowed from the tree, NULL if it is not there. */
const json_t *http_path(const json_t *tree, const char *path);

#endif

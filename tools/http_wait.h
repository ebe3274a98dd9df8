/* http_wait.h - one HTTP call after the other, for tools that wait for the answer.
 *
 * Use        http_wait_new(); http_wait_post(), as often as wanted: the connection is kept;
 *            http_wait_destroy().
 * Ownership  The answer's body lives until the next call.
 * See        http_out.h, which this stands on. */
#ifndef USHER_HTTP_WAIT_H
#define USHER_HTTP_WAIT_H

#include "http_out.h"

struct http_wait;

struct http_wait *http_wait_new(void);
void http_wait_destroy(struct http_wait **wait);

/* Sends the call and waits: *status and *body, or a fault with *words of the library. */
enum fault http_wait_call(struct http_wait *wait, const struct call *call, int *status,
                          const char **body, const char **words) NODISCARD;

#endif

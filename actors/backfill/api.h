/* api.h - Stripe's API as far as it is read: one request, and what its answer means. Pure.
 *
 * Use        Fill a struct api_ask, api_request(); api_said() of the answer.
 * Promise    Only GET. The key stands in the Authorization header and nowhere else.
 * See        api_page.h for what an answer holds; tests/unit/backfill/api_test.c */
#ifndef USHER_API_H
#define USHER_API_H

#include "api_page.h"
#include "http_out.h"

#include <stdint.h>

enum { API_TYPES_MAX = 20, API_WORDS_BYTES = 200 };

struct api_ask {
    const char *base;                     /* "https://api.stripe.com" */
    const char *key;                      /* its first line */
    const char *path;                     /* "/v1/events" */
    const char *query;                    /* "status=all", or "" */
    const char *types[API_TYPES_MAX + 1]; /* ends with NULL */
    int64_t since_s, until_s;             /* created, both inclusive; 0: any */
    const char *after;                    /* cursor, or "" */
    int limit;                            /* 0: not a list */
};

enum fault api_request(const struct api_ask *ask, struct call *call) NODISCARD;

enum api_verdict {
    API_FINE,
    API_AGAIN,     /* later: too many calls, trouble there, no answer, an answer that is none */
    API_SMALLER,   /* the same with fewer objects */
    API_REFUSED,   /* 401: the key */
    API_FORBIDDEN, /* 403: this right is missing */
    API_MISSING,   /* 404, or 400 for a cursor: no such object */
    API_NEVER      /* anything else */
};

struct api_answer {
    enum api_verdict verdict;
    int64_t retry_after_ms;
    char words[API_WORDS_BYTES]; /* for a person; "" if it is fine */
};

/* Reads the page, too, if it is fine. */
void api_said(const struct answer *answer, const struct api_ask *ask, struct tape *tape,
              struct api_page *page, struct api_answer *out);

/* "live" or "test" as the key says, "" if it does not say. */
const char *api_key_mode(const char *key);

#endif

/* shown.h - what is not there, in answers: null, and not 0 or "". */
#ifndef USHER_SHOWN_H
#define USHER_SHOWN_H

#include <jansson.h>
#include <stdint.h>

/* In milliseconds since 1970, shown as RFC 3339 in UTC; null for 0. */
json_t *shown_time(int64_t ms);

/* null for "" and for what is not UTF-8. */
json_t *shown_text(const char *text);

#endif

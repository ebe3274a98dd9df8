/* negotiate.h - what a client has already, and what it can read: two header values. Pure. */
#ifndef USHER_NEGOTIATE_H
#define USHER_NEGOTIATE_H

#include <stdbool.h>

/* If-None-Match: whether the list has `etag` (quotes and all), W/ or not, or is an asterisk. */
bool etags_have(const char *list, const char *etag);

/* Accept-Encoding: whether gzip is among it, and not with q=0. */
bool encodings_have_gzip(const char *list);

#endif
